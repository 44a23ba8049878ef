/** Vitest runs in the zone Europe/Berlin. */
import { describe, expect, it } from 'vitest'
import { loadReader } from './natural_time'

const SATURDAY = '2026-11-28T14:10' // a winter Saturday
const BEFORE_SUMMER_TIME = '2026-03-28T14:10' // at night 02:00 becomes 03:00
const BEFORE_WINTER_TIME = '2026-10-24T14:10' // at night 03:00 becomes 02:00

type Row = [now: string, text: string, title: string, at: string]
type Untouched = [now: string, text: string]

const ENGLISH: Row[] = [
  [SATURDAY, 'fix the login bug by 5pm', 'fix the login bug', '2026-11-28T17:00'],
  [SATURDAY, 'fix the login bug by 5', 'fix the login bug', '2026-11-28T17:00'],
  [SATURDAY, 'fix the login bug until 17h', 'fix the login bug', '2026-11-28T17:00'],
  [SATURDAY, 'fix it by 17:30.', 'fix it', '2026-11-28T17:30'],
  [SATURDAY, 'fix it in 3 h', 'fix it', '2026-11-28T17:10'],
  [SATURDAY, 'fix it in 90 min', 'fix it', '2026-11-28T15:40'],
  [SATURDAY, 'emails for 2 hours', 'emails', '2026-11-28T16:10'],
  [SATURDAY, 'fix it tomorrow noon', 'fix it', '2026-11-29T12:00'],
  [SATURDAY, 'fix it tomorrow', 'fix it', '2026-11-29T17:00'],
  [SATURDAY, 'fix it tomorrow by 9', 'fix it', '2026-11-29T09:00'],
  [SATURDAY, 'fix it tomorrow by 5pm', 'fix it', '2026-11-29T17:00'],
  [SATURDAY, 'fix it tomorrow morning', 'fix it', '2026-11-29T09:00'],
  [SATURDAY, 'fix it by Monday', 'fix it', '2026-11-30T17:00'],
  [SATURDAY, 'fix it by Mon', 'fix it', '2026-11-30T17:00'],
  [SATURDAY, 'fix it on Friday at 11:00', 'fix it', '2026-12-04T11:00'],
  [SATURDAY, 'fix it tonight', 'fix it', '2026-11-28T22:00'],
  [SATURDAY, 'fix it by midnight', 'fix it', '2026-11-29T00:00'],
  [SATURDAY, 'fix it by end of day', 'fix it', '2026-11-28T17:00'],
  [SATURDAY, 'fix it by eod', 'fix it', '2026-11-28T17:00'],
  [SATURDAY, 'fix it, by 5 pm', 'fix it', '2026-11-28T17:00'],
  [SATURDAY, 'by 5pm: fix it', 'fix it', '2026-11-28T17:00'],
  [SATURDAY, 'by 5pm fix it', 'fix it', '2026-11-28T17:00'],
  [SATURDAY, 'interviews 3pm-4pm', 'interviews', '2026-11-28T16:00'],
  [SATURDAY, 'fix it by May 5', 'fix it', '2027-05-05T17:00'],
  [SATURDAY, 'two\nlines by 5pm', 'two\nlines', '2026-11-28T17:00'],
  [SATURDAY, '🚀 إصلاح الخطأ 17:00', '🚀 إصلاح الخطأ', '2026-11-28T17:00'],
  // What has passed today is meant for tomorrow.
  [SATURDAY, 'fix it by 9am', 'fix it', '2026-11-29T09:00'],
  [SATURDAY, 'fix it by 9', 'fix it', '2026-11-29T09:00'],
  [SATURDAY, 'fix it by 14:10', 'fix it', '2026-11-29T14:10'],
  // Around midnight.
  ['2026-11-28T23:58', 'fix it by 23:59', 'fix it', '2026-11-28T23:59'],
  ['2026-11-28T23:59', 'fix it by 23:59', 'fix it', '2026-11-29T23:59'],
  ['2026-11-28T23:50', 'fix it in 20 min', 'fix it', '2026-11-29T00:10'],
  ['2026-11-28T18:00', 'fix it today', 'fix it', '2026-11-28T23:59'],
  // Hours that pass are counted, and a clock's time is the clock's, when the clocks change.
  [BEFORE_SUMMER_TIME, 'fix it in 24 hours', 'fix it', '2026-03-29T15:10'],
  [BEFORE_SUMMER_TIME, 'fix it tomorrow at 14:10', 'fix it', '2026-03-29T14:10'],
  [BEFORE_SUMMER_TIME, 'fix it tomorrow at 02:30', 'fix it', '2026-03-29T03:30'],
  ['2026-03-29T01:30', 'fix it in 3 h', 'fix it', '2026-03-29T05:30'],
  [BEFORE_WINTER_TIME, 'fix it in 24 hours', 'fix it', '2026-10-25T13:10'],
  [BEFORE_WINTER_TIME, 'fix it tomorrow noon', 'fix it', '2026-10-25T12:00'],
]

const ENGLISH_TITLES: Untouched[] = [
  [SATURDAY, 'March to the sea'],
  [SATURDAY, 'we may'],
  [SATURDAY, 'Talk with April'],
  [SATURDAY, 'Plan the May release'],
  [SATURDAY, 'Numbers of May'],
  [SATURDAY, 'Monday report'],
  [SATURDAY, 'Slides for Friday'],
  [SATURDAY, 'the Monday meeting'],
  [SATURDAY, 'Write up the incident from March 5'],
  [SATURDAY, 'Lie in the sun'],
  [SATURDAY, 'Release 2.10'],
  [SATURDAY, 'Fix 5 bugs'],
  [SATURDAY, 'Chapter 12/5'],
  [SATURDAY, 'What broke 2 hours ago'],
  [SATURDAY, '9am standup notes'],
  [SATURDAY, 'Book a hotel, 2 days'],
  [SATURDAY, 'Only now'],
]

const GERMAN: Row[] = [
  [SATURDAY, 'Login reparieren bis 17 Uhr', 'Login reparieren', '2026-11-28T17:00'],
  [SATURDAY, 'Login reparieren bis 17:30 Uhr', 'Login reparieren', '2026-11-28T17:30'],
  [SATURDAY, 'Login reparieren bis 17', 'Login reparieren', '2026-11-28T17:00'],
  [SATURDAY, 'Login reparieren bis 5', 'Login reparieren', '2026-11-28T17:00'],
  [SATURDAY, 'Login reparieren um halb 6', 'Login reparieren', '2026-11-28T17:30'],
  [SATURDAY, 'Login reparieren in 3 h', 'Login reparieren', '2026-11-28T17:10'],
  [SATURDAY, 'Login reparieren in 90 Minuten', 'Login reparieren', '2026-11-28T15:40'],
  [SATURDAY, 'Login reparieren in einer halben Stunde', 'Login reparieren', '2026-11-28T14:40'],
  [SATURDAY, 'Login reparieren morgen Mittag', 'Login reparieren', '2026-11-29T12:00'],
  [SATURDAY, 'Login reparieren bis morgen', 'Login reparieren', '2026-11-29T17:00'],
  [SATURDAY, 'Login reparieren morgen um 9', 'Login reparieren', '2026-11-29T09:00'],
  [SATURDAY, 'Login reparieren bis Freitag 12 Uhr', 'Login reparieren', '2026-12-04T12:00'],
  [SATURDAY, 'Login reparieren bis Mo', 'Login reparieren', '2026-11-30T17:00'],
  [SATURDAY, 'Login reparieren heute Abend', 'Login reparieren', '2026-11-28T18:00'],
  [SATURDAY, 'Login reparieren bis Feierabend', 'Login reparieren', '2026-11-28T17:00'],
  [SATURDAY, 'Login reparieren bis Mitternacht', 'Login reparieren', '2026-11-29T00:00'],
  [SATURDAY, 'Bis 17 Uhr: Login reparieren', 'Login reparieren', '2026-11-28T17:00'],
  [SATURDAY, 'Workshop 15 bis 17 Uhr', 'Workshop', '2026-11-28T17:00'],
  [SATURDAY, 'Login reparieren bis 9 Uhr', 'Login reparieren', '2026-11-29T09:00'],
  ['2026-11-28T23:58', 'Login reparieren bis 23:59', 'Login reparieren', '2026-11-28T23:59'],
  [BEFORE_SUMMER_TIME, 'Login reparieren in 24 Stunden', 'Login reparieren', '2026-03-29T15:10'],
  [BEFORE_WINTER_TIME, 'Login reparieren morgen Mittag', 'Login reparieren', '2026-10-25T12:00'],
]

const GERMAN_TITLES: Untouched[] = [
  [SATURDAY, 'Guten Morgen'],
  [SATURDAY, 'Mach es so'],
  [SATURDAY, 'So ein Ding'],
  [SATURDAY, 'Zahlen vom Mai'],
  [SATURDAY, 'Folien für Freitag'],
  [SATURDAY, 'Version 2.10'],
  [SATURDAY, '5 Fehler'],
]

const minute = (at: Date | null) => at && at.toLocaleString('sv', { dateStyle: 'short', timeStyle: 'short' })

describe.each([
  ['en-GB', ENGLISH, ENGLISH_TITLES],
  ['de-DE', GERMAN, GERMAN_TITLES],
])('in %s', async (language, rows, titles) => {
  const read = await loadReader(language)

  it.each(rows)('at %s reads "%s"', (now, text, title, at) => {
    const reading = read(text, new Date(now))
    expect([reading.title, minute(reading.at)]).toEqual([title, at.replace('T', ' ')])
  })

  it.each(titles)('at %s leaves "%s" as it is', (now, text) => {
    expect(read(text, new Date(now))).toEqual({ title: text, at: null, phrase: null, passed: false })
  })
})

it('says that a time has passed instead of taking it', async () => {
  const read = await loadReader('en')
  expect(read('fix it today at 09:00', new Date(SATURDAY))).toEqual({
    title: 'fix it today at 09:00',
    at: null,
    phrase: null,
    passed: true,
  })
})

it('names the words that it has taken', async () => {
  const read = await loadReader('en')
  expect(read('fix it by 5pm', new Date(SATURDAY)).phrase).toBe('by 5pm')
})
