/** Times as people say them; the numbers come from live/durations. */
export const time = {
  minutes: (count: number) => `${count} min`,
  hours: (count: number) => `${count} h`,
  hoursMinutes: (hours: number, minutes: number) =>
    minutes === 0 ? `${hours} h` : `${hours} h ${String(minutes).padStart(2, '0')}`,
  days: (count: number) => (count === 1 ? '1 day' : `${count} days`),
  in: (duration: string) => `in ${duration}`,
  late: (duration: string) => `${duration} late`,
  early: (duration: string) => `${duration} early`,
  ago: (duration: string) => `${duration} ago`,
  now: 'now',
  dueNow: 'due now',
  justNow: 'just now',
  onTime: 'on time',
  today: 'today',
  tomorrow: 'tomorrow',
  yesterday: 'yesterday',
}
