import { describe, expect, it } from 'vitest'
import type { Expectation } from '../api/types'
import { en } from '../words/en'
import { laterPicks, quickPicks, timeOf } from './picks'
import { punctuality, whenWords } from './when'

const NOW = new Date('2026-11-28T14:00') // a Saturday
const LANGUAGE = 'en-GB'

it.each([
  ['2026-11-28T17:00', 'today 17:00'],
  ['2026-11-29T00:00', 'tomorrow 00:00'],
  ['2026-12-02T09:30', 'Wed 09:30'],
  ['2026-12-24T09:30', '24 Dec, 09:30'],
])('says %s as "%s"', (at, words) => {
  expect(whenWords(new Date(at), NOW, LANGUAGE, en.time)).toBe(words)
})

it.each([
  [4, 'Done, 4 min early'],
  [0, 'Done, on time'],
  [-90, 'Done, 1 h 30 late'],
  [null, 'Done'],
])('says what is done with %s minutes left as "%s"', (minutes, words) => {
  const estimate = minutes === null ? null : new Date(NOW.getTime() + minutes * 60_000).toISOString()
  expect(punctuality({ estimated_completion: estimate } as Expectation, NOW.getTime(), en)).toBe(words)
})

describe('quick picks', () => {
  const said = (now: Date) => quickPicks(now).map((pick) => whenWords(timeOf(pick, now), now, LANGUAGE, en.time))

  it('offer the end of the day while it is to come', () => {
    expect(said(NOW)).toEqual(['today 14:30', 'today 15:00', 'today 17:00', 'tomorrow 17:00'])
    expect(said(new Date('2026-11-28T16:30'))).toEqual(['today 17:00', 'today 17:30', 'today 18:30', 'tomorrow 17:00'])
  })

  it('move what is late from now on, and what is not from its time', () => {
    const first = (estimate: string) => laterPicks(new Date(estimate).toISOString(), NOW)[0]?.at
    expect(first('2026-11-28T13:00')).toEqual(new Date('2026-11-28T14:15'))
    expect(first('2026-11-28T17:00')).toEqual(new Date('2026-11-28T17:15'))
  })
})
