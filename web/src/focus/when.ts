/** Times and punctuality as people say them. */
import type { Expectation } from '../api/types'
import { duration } from '../ui/durations'
import type { Words } from '../words/words'
import { isSameDay, shifted } from './days'

const MINUTE = 60_000
const WEEK_DAYS = 7

/** "today 17:00", "tomorrow 12:00", "Mon 17:00", "5 May, 17:00". */
export function whenWords(at: Date, now: Date, language: string, words: Words['time']): string {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, options).format(at)
  const time = format({ timeStyle: 'short' })
  if (isSameDay(at, now)) return `${words.today} ${time}`
  if (isSameDay(at, shifted(now, 1))) return `${words.tomorrow} ${time}`
  if (at > now && at < shifted(now, WEEK_DAYS)) return `${format({ weekday: 'short' })} ${time}`
  return `${format({ day: 'numeric', month: 'short' })}, ${time}`
}

/** "Done, 4 min early". */
export function punctuality({ estimated_completion: estimate }: Expectation, now: number, words: Words): string {
  if (estimate === null) return words.focus.done
  const left = Date.parse(estimate) - now
  const span = duration(left, words.time)
  if (Math.abs(left) < MINUTE) return words.focus.doneWhen(words.time.onTime)
  return words.focus.doneWhen(left > 0 ? words.time.early(span) : words.time.late(span))
}
