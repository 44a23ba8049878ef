/** Finished work by the day on which it was done, where the reader is. */
import { fromAbsolute, parseDate, toCalendarDate, type CalendarDate } from '@internationalized/date'
import type { Expectation } from '../api/types'

export type Row = { key: string; day: CalendarDate } | { key: string; item: Expectation }

/** A heading for each day, then what was done on it; `items` are in their order, newest first. */
export function rows(items: readonly Expectation[], zone: string): Row[] {
  const all: Row[] = []
  let last = ''
  for (const item of items) {
    const day = dayOf(item.done_at ?? item.created_at, zone)
    const key = day.toString()
    if (key !== last) all.push({ key, day })
    last = key
    all.push({ key: item.id, item })
  }
  return all
}

/** The calendar day of an instant in a time zone. */
export function dayOf(instant: string | number, zone: string): CalendarDate {
  return toCalendarDate(fromAbsolute(typeof instant === 'number' ? instant : Date.parse(instant), zone))
}

/** "Today", "Yesterday", "Monday, 23 November"; with its year when that is another one. */
export function dayWords(
  day: CalendarDate,
  today: CalendarDate,
  language: string,
  words: { today: string; yesterday: string },
): string {
  const ago = today.compare(day)
  if (ago === 0) return words.today
  if (ago === 1) return words.yesterday
  const year = day.year === today.year ? undefined : ('numeric' as const)
  const format = new Intl.DateTimeFormat(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year,
    timeZone: 'UTC',
  })
  return format.format(day.toDate('UTC'))
}

/** A day of the address bar; undefined when there is none, or no such day. */
export function dayFrom(text: string | undefined): CalendarDate | undefined {
  if (text === undefined) return undefined
  try {
    return parseDate(text)
  } catch {
    return undefined
  }
}
