/** Which days a page is about, and the instants between which they are. */
import { startOfWeek, type CalendarDate } from '@internationalized/date'
import type { Period } from '../app/router'
import { dayFrom } from './days'

/** Both days belong to it; a side that is open has none. */
export interface Days {
  from?: CalendarDate
  to?: CalendarDate
}

/** The days that the address asks for. A period ends with today, whatever day that is by now; a range stays as it is. */
export function daysOf(search: { period?: Period; from?: string; to?: string }, today: CalendarDate): Days {
  switch (search.period) {
    case 'week':
      return { from: startOfWeek(today, 'en', 'mon') }
    case '7-days':
      return { from: today.subtract({ days: 6 }) }
    case '30-days':
      return { from: today.subtract({ days: 29 }) }
    case undefined:
      return { from: dayFrom(search.from), to: dayFrom(search.to) }
  }
}

/** From the first midnight to the one after the last day, as the api asks for it: the second is not in it. */
export function instants({ from, to }: Days, zone: string): { from?: string; to?: string } {
  return {
    from: from?.toDate(zone).toISOString(),
    to: to?.add({ days: 1 }).toDate(zone).toISOString(),
  }
}
