import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const NOW = Date.parse('2030-01-31T12:00:00.000Z')
const httpDate = (time: number) => new Date(time).toUTCString()

beforeEach(() => {
  vi.resetModules()
  vi.useFakeTimers({ now: NOW })
})
afterEach(() => vi.useRealTimers())

test('takes the server’s clock for its own where this machine’s is wrong by minutes', async () => {
  const { now, observe } = await import('./clock')
  observe(httpDate(NOW + 5 * 60_000), 40)
  expect(Math.abs(now() - NOW - 5 * 60_000)).toBeLessThan(1000)
})

test('does not shake with the whole seconds of headers', async () => {
  const { now, observe } = await import('./clock')
  for (let answer = 0; answer < 20; answer++) {
    vi.advanceTimersByTime(370)
    observe(httpDate(Date.now()), 30)
  }
  expect(now()).toBe(Date.now())
})

test('believes quick answers more than slow ones', async () => {
  const { now, observe } = await import('./clock')
  observe(httpDate(NOW), 20)
  observe(httpDate(NOW - 12_000), 24_000)
  expect(Math.abs(now() - NOW)).toBeLessThan(1000)
})

test('an answer without a date says nothing', async () => {
  const { now, observe } = await import('./clock')
  observe(null, 10)
  observe('yesterday', 10)
  expect(now()).toBe(NOW)
})

test('ticks once a minute for all who look, and leaves no timer when nobody does', async () => {
  const { useNow } = await import('./clock')
  const { act, renderHook } = await import('@testing-library/react')
  const first = renderHook(() => useNow())
  const second = renderHook(() => useNow())
  expect(vi.getTimerCount()).toBe(1)
  const before = first.result.current
  act(() => void vi.advanceTimersByTime(60_000))
  expect(first.result.current - before).toBe(60_000)
  expect(second.result.current).toBe(first.result.current)
  first.unmount()
  second.unmount()
  expect(vi.getTimerCount()).toBe(0)
})
