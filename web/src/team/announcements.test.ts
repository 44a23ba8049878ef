import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { en } from '../words/en'
import { Announcer, summary, type Heard } from './announcements'

const about = (name: string, sentence = `${name} is on it.`): Heard => ({ userId: name, name, sentence })

test('a few changes are told in full, of each member only the newest', () => {
  const heard = [about('Ana', 'Ana is on A.'), about('Ben'), about('Ana', 'Ana finished A.')]
  expect(summary(heard, en.team)).toBe('Ana finished A. Ben is on it.')
})

test('many changes are told as whose they are', () => {
  expect(
    summary(
      ['A', 'B', 'C', 'D', 'E'].map((name) => about(name)),
      en.team,
    ),
  ).toBe('Changes of C, D, E and 2 others.')
})

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('five changes a second are one text every two seconds, and none is lost', () => {
  const spoken: number[] = []
  const announcer = new Announcer((heard) => spoken.push(heard.length), 2000)
  for (let change = 0; change < 50; change++) {
    announcer.hear(about(`member ${change}`))
    vi.advanceTimersByTime(200)
  }
  vi.advanceTimersByTime(2000)
  expect(spoken.length).toBeLessThanOrEqual(6)
  expect(spoken.reduce((sum, count) => sum + count)).toBe(50)
})

test('who has left hears nothing more, and no timer is left', () => {
  const speak = vi.fn()
  const announcer = new Announcer(speak, 2000)
  announcer.hear(about('Ana'))
  announcer.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(5000)
  expect(speak).not.toHaveBeenCalled()
})
