import type { Words } from '../words'

export const time: Words['time'] = {
  minutes: (count) => `${count} min`,
  hours: (count) => `${count} h`,
  hoursMinutes: (hours, minutes) => (minutes === 0 ? `${hours} h` : `${hours} h ${String(minutes).padStart(2, '0')}`),
  days: (count) => (count === 1 ? '1 Tag' : `${count} Tage`),
  in: (duration) => `in ${duration}`,
  late: (duration) => `${duration} zu spät`,
  early: (duration) => `${duration} früher`,
  ago: (duration) => `vor ${duration}`,
  now: 'jetzt',
  dueNow: 'jetzt fällig',
  justNow: 'gerade eben',
  onTime: 'pünktlich',
  today: 'heute',
  tomorrow: 'morgen',
  yesterday: 'gestern',
}
