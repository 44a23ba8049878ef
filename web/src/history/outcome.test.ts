import { expect, test } from 'vitest'
import type { Expectation } from '../api/types'
import { en } from '../words/en'
import { onTime, outcomeWords, takenMs } from './outcome'

const ESTIMATE = '2026-11-23T12:00:00Z'
const done = (done_at: string, estimated_completion: string | null = ESTIMATE) =>
  ({ created_at: '2026-11-23T09:00:00Z', done_at, estimated_completion }) as Expectation

test.each([
  ['2026-11-23T11:56:00Z', '4 min early'],
  ['2026-11-23T09:50:00Z', '2 h 10 early'],
  ['2026-11-23T11:59:30Z', 'on time'],
  ['2026-11-23T12:00:00Z', 'on time'],
  ['2026-11-23T12:00:01Z', '1 min late'],
  ['2026-11-23T14:00:00Z', '2 h late'],
  ['2026-11-26T12:00:00Z', '3 days late'],
])('done at %s is %s', (at, said) => {
  expect(outcomeWords(done(at), en)).toBe(said)
})

test('without an estimate nothing is early or late', () => {
  const item = done('2026-11-23T11:00:00Z', null)

  expect(outcomeWords(item, en)).toBe('no estimate')
  expect(takenMs(item)).toBe(2 * 3_600_000)
})

test('the share on time is of what had an estimate, and counts as the reports do', () => {
  const items = [
    done('2026-11-23T12:00:00Z'),
    done('2026-11-23T12:00:01Z'),
    done('2026-11-23T10:00:00Z'),
    done('2026-11-23T10:00:00Z', null),
  ]

  expect(onTime(items)).toEqual({ estimated: 3, onTime: 2 })
  expect(onTime([])).toEqual({ estimated: 0, onTime: 0 })
})
