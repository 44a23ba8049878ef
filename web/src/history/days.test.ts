import { CalendarDate } from '@internationalized/date'
import { expect, test } from 'vitest'
import type { Expectation } from '../api/types'
import { dayFrom, dayOf, dayWords, rows } from './days'

const done = (done_at: string) => ({ id: done_at, done_at, created_at: '2026-01-01T00:00:00Z' }) as Expectation
const WORDS = { today: 'Today', yesterday: 'Yesterday' }

test('work is under the day that it was where the reader is', () => {
  const items = ['2026-03-29T22:30:00Z', '2026-03-29T10:00:00Z', '2026-03-28T23:30:00Z', '2026-03-28T22:30:00Z'].map(
    done,
  )
  const under = (zone: string) => rows(items, zone).map(({ key }) => key)

  expect(under('UTC')).toEqual(['2026-03-29', items[0]?.id, items[1]?.id, '2026-03-28', items[2]?.id, items[3]?.id])
  expect(under('Europe/Berlin')).toEqual([
    ...['2026-03-30', items[0]?.id],
    ...['2026-03-29', items[1]?.id, items[2]?.id],
    ...['2026-03-28', items[3]?.id],
  ])
  expect(under('Pacific/Kiritimati')[0]).toBe('2026-03-30')
})

test('the hour that comes twice in autumn is on one day, whichever of the two it is', () => {
  const [first, second] = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'] // both 02:30 in Berlin

  expect(dayOf(first, 'Europe/Berlin').compare(dayOf(second, 'Europe/Berlin'))).toBe(0)
  expect(dayOf('2026-10-24T22:00:00Z', 'Europe/Berlin').toString()).toBe('2026-10-25')
  expect(dayOf('2026-10-25T22:59:59Z', 'Europe/Berlin').toString()).toBe('2026-10-25')
})

test('a heading says today, yesterday, the weekday, and another year', () => {
  const today = new CalendarDate(2026, 1, 1)
  const said = (day: CalendarDate) => dayWords(day, today, 'en-GB', WORDS).replace(',', '') // as versions of ICU differ

  expect(said(today)).toBe('Today')
  expect(said(new CalendarDate(2025, 12, 31))).toBe('Yesterday')
  expect(said(new CalendarDate(2025, 12, 30))).toBe('Tuesday 30 December 2025')
  expect(dayWords(new CalendarDate(2026, 11, 23), new CalendarDate(2026, 11, 28), 'de-DE', WORDS)).toBe(
    'Montag, 23. November',
  )
})

test('an address that names no day asks for none', () => {
  expect(dayFrom('2026-02-30')).toBeUndefined()
  expect(dayFrom('yesterday')).toBeUndefined()
  expect(dayFrom('2026-02-28')?.toString()).toBe('2026-02-28')
})
