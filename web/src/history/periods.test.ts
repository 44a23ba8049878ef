import { CalendarDate } from '@internationalized/date'
import { expect, test } from 'vitest'
import { daysOf, instants } from './periods'

const SUNDAY = new CalendarDate(2026, 11, 29)

test('a week begins on Monday, on a Sunday too', () => {
  expect(daysOf({ period: 'week' }, SUNDAY).from?.toString()).toBe('2026-11-23')
  expect(daysOf({ period: 'week' }, SUNDAY.add({ days: 1 })).from?.toString()).toBe('2026-11-30')
})

test('the last days count today', () => {
  expect(daysOf({ period: '7-days' }, SUNDAY)).toEqual({ from: new CalendarDate(2026, 11, 23) })
  expect(daysOf({ period: '30-days' }, SUNDAY).from?.toString()).toBe('2026-10-31')
})

test('both days of a range belong to it, and what is no day is left out', () => {
  const days = daysOf({ from: '2026-11-02', to: '2026-11-10' }, SUNDAY)

  expect(instants(days, 'UTC')).toEqual({ from: '2026-11-02T00:00:00.000Z', to: '2026-11-11T00:00:00.000Z' })
  expect(instants(daysOf({ from: 'x' }, SUNDAY), 'UTC')).toEqual({ from: undefined, to: undefined })
})

test('a day is as long as it is where the reader is', () => {
  const hours = (day: CalendarDate, zone: string) => {
    const { from = '', to = '' } = instants({ from: day, to: day }, zone)
    return (Date.parse(to) - Date.parse(from)) / 3_600_000
  }

  expect(hours(new CalendarDate(2026, 3, 29), 'Europe/Berlin')).toBe(23)
  expect(hours(new CalendarDate(2026, 10, 25), 'Europe/Berlin')).toBe(25)
  expect(hours(new CalendarDate(2026, 3, 29), 'UTC')).toBe(24)
})
