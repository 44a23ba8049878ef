import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { showOnce, tellWhileVisible } from './browser'

interface Request {
  name: string
  mode: 'shared' | 'exclusive'
}

/** The locks of one browser, as far as its windows use them here. */
function locks() {
  const held = new Set<Request>()
  return {
    query: () => Promise.resolve({ held: [...held] }),
    async request(
      name: string,
      options: { mode?: Request['mode']; ifAvailable?: boolean },
      act: (lock: Request | null) => unknown,
    ) {
      const lock: Request = { name, mode: options.mode ?? 'exclusive' }
      const taken = [...held].some(
        (other) => other.name === name && (other.mode === 'exclusive' || lock.mode === 'exclusive'),
      )
      if (taken && options.ifAvailable) return act(null)
      held.add(lock)
      await Promise.resolve() // the browser grants it later
      try {
        return await act(lock)
      } finally {
        held.delete(lock)
      }
    },
  }
}

let visibility: DocumentVisibilityState

beforeEach(() => {
  vi.useFakeTimers()
  visibility = 'hidden'
  vi.stubGlobal('navigator', { locks: locks() })
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visibility)
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

function become(state: DocumentVisibilityState) {
  visibility = state
  document.dispatchEvent(new Event('visibilitychange'))
}

test('of many hidden windows one shows it, also when some hear of it a second later', async () => {
  const show = vi.fn()

  const first = await Promise.all([1, 2, 3].map(() => showOnce('alex', 'one', show)))
  await vi.advanceTimersByTimeAsync(1000)
  const later = await showOnce('alex', 'one', show)

  expect(first.filter(Boolean)).toHaveLength(1)
  expect(later).toBe(false)
  expect(show).toHaveBeenCalledTimes(1)
})

test('another notification is shown beside it', async () => {
  const show = vi.fn()

  await showOnce('alex', 'one', show)
  await showOnce('alex', 'two', show)

  expect(show).toHaveBeenCalledTimes(2)
})

test('nothing is shown while a window of this member is looked at', async () => {
  const stop = tellWhileVisible('alex')
  const ask = () => showOnce('alex', crypto.randomUUID(), () => undefined)

  const hidden = await ask()
  become('visible')
  const looked = await ask()
  become('hidden')
  await vi.advanceTimersByTimeAsync(0)
  const hiddenAgain = await ask()
  stop()

  expect([hidden, looked, hiddenAgain]).toEqual([true, false, true])
})

test('another member who looks at a window of theirs keeps nothing from this one', async () => {
  visibility = 'visible'
  const stop = tellWhileVisible('maria')

  expect(await showOnce('alex', 'one', () => undefined)).toBe(true)
  stop()
})
