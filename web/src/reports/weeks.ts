/** The weeks that a team's reports are about. A week in which nothing was finished has no report. */
import { parseDate, type CalendarDate } from '@internationalized/date'
import type { ReportSummary } from '../api/types'

export interface Week {
  monday: CalendarDate
  /** Its report's id; null for a week without. */
  id: string | null
}

/** Every week from the newest report to the oldest one; newest first. */
export function weeksOf(reports: readonly ReportSummary[]): Week[] {
  const ids = new Map(reports.map(({ starts_on, id }) => [starts_on, id]))
  const days = [...ids.keys()].toSorted()
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return []
  const weeks: Week[] = []
  const oldest = parseDate(first)
  for (let monday = parseDate(last); monday.compare(oldest) >= 0; monday = monday.subtract({ weeks: 1 })) {
    weeks.push({ monday, id: ids.get(monday.toString()) ?? null })
  }
  return weeks
}

/** "16 – 22 November", with years where they are not this one's. */
export function weekWords(
  monday: CalendarDate,
  today: CalendarDate,
  language: string,
  month: 'long' | 'short' = 'long',
): string {
  const sunday = monday.add({ days: 6 })
  const year = sunday.year === today.year && monday.year === today.year ? undefined : ('numeric' as const)
  const format = new Intl.DateTimeFormat(language, { day: 'numeric', month, year, timeZone: 'UTC' })
  return format.formatRange(monday.toDate('UTC'), sunday.toDate('UTC'))
}

/** The short names of the days, Monday first. */
export function dayNames(language: string, weekday: 'short' | 'long'): string[] {
  const format = new Intl.DateTimeFormat(language, { weekday, timeZone: 'UTC' })
  return Array.from({ length: 7 }, (_, day) => format.format(Date.UTC(2024, 0, 1 + day))) // a Monday
}
