/** Spans of time in words: exact to the minute below a day, which is what people ask for. */
import type { Words } from '../words/words'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** "2 h 10", "40 min", "3 days". */
export function duration(ms: number, words: Words['time']): string {
  const span = Math.abs(ms)
  if (span >= DAY) return words.days(Math.round(span / DAY))
  const minutes = Math.round(span / MINUTE)
  if (minutes < 60) return words.minutes(minutes)
  return words.hoursMinutes(Math.floor(minutes / 60), minutes % 60)
}

/** Late is who is over the time by a minute. */
export function isLate(estimate: string, now: number): boolean {
  return Date.parse(estimate) - now <= -MINUTE
}

/** Where an expectation stands: due in a while, due now, or late. */
export function due(estimate: string, now: number, words: Words['time']): { late: boolean; text: string } {
  const left = Date.parse(estimate) - now
  if (isLate(estimate, now)) return { late: true, text: words.late(duration(left, words)) }
  if (left < MINUTE) return { late: false, text: words.dueNow }
  return { late: false, text: words.in(duration(left, words)) }
}
