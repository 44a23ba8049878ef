/** When a member wants to be left alone, by the clock of their time zone; as jobs judges it before it reminds. */
import type { NotificationSettings } from '../api/types'

type Rest = Pick<NotificationSettings, 'quiet_hours' | 'days'>

/** Whether `now` (milliseconds) is on a day off or in the quiet hours, which may go over midnight. */
export function isQuiet({ quiet_hours: quiet, days }: Rest, timeZone: string, now: number): boolean {
  const { day, clock } = local(timeZone, now)
  if (!days.includes(day)) return true
  if (quiet === null) return false
  const { start, end } = quiet
  return start < end ? start <= clock && clock < end : clock >= start || clock < end
}

/** The day of the week and the clock there, in the api's words: `mon`, `08:30`. */
function local(timeZone: string, now: number): { day: NotificationSettings['days'][number]; clock: string } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(now)
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? ''
  return {
    day: part('weekday').toLowerCase() as NotificationSettings['days'][number],
    clock: `${part('hour')}:${part('minute')}`,
  }
}
