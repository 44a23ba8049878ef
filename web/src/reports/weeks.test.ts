import { CalendarDate } from '@internationalized/date'
import { expect, test } from 'vitest'
import type { ReportSummary } from '../api/types'
import { en } from '../words/en'
import { change, errorWords } from './figures'
import { dayNames, weeksOf, weekWords } from './weeks'

const report = (starts_on: string) => ({ id: `of ${starts_on}`, starts_on }) as ReportSummary
const TODAY = new CalendarDate(2026, 11, 28)

test('weeks without a report stand between the others, over the end of a year and of summer time', () => {
  const weeks = weeksOf([report('2027-01-04'), report('2026-12-21'), report('2026-12-14')])

  expect(weeks.map(({ monday, id }) => [monday.toString(), id])).toEqual([
    ['2027-01-04', 'of 2027-01-04'],
    ['2026-12-28', null],
    ['2026-12-21', 'of 2026-12-21'],
    ['2026-12-14', 'of 2026-12-14'],
  ])
  expect(weeksOf([report('2026-11-02'), report('2026-10-19')]).map(({ monday }) => monday.toString())).toEqual([
    '2026-11-02',
    '2026-10-26',
    '2026-10-19',
  ])
  expect(weeksOf([])).toEqual([])
})

test('a week is named by its first and its last day', () => {
  const said = (monday: CalendarDate) => weekWords(monday, TODAY, 'en-GB').replaceAll(/\s/g, ' ')

  expect(said(new CalendarDate(2026, 11, 16))).toBe('16 – 22 November')
  expect(said(new CalendarDate(2026, 10, 26))).toBe('26 October – 1 November')
  expect(said(new CalendarDate(2025, 12, 29))).toBe('29 December 2025 – 4 January 2026')
})

test('Monday is first', () => {
  expect(dayNames('de', 'long')).toEqual([
    ...['Montag', 'Dienstag', 'Mittwoch', 'Donnerstag', 'Freitag', 'Samstag', 'Sonntag'],
  ])
})

test('figures in words', () => {
  expect(errorWords(-0.2, en.time)).toBe('12 min early')
  expect(errorWords(1.5, en.time)).toBe('1 h 30 late')
  expect(errorWords(0.001, en.time)).toBe('on time')
  expect(change(5, 3)).toEqual({ direction: 'more', by: 2 })
  expect(change(3, 5)).toEqual({ direction: 'less', by: 2 })
  expect(change(3, 3)).toEqual({ direction: 'same', by: 0 })
})
