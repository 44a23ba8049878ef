/**
 * The server's time: people's clocks are wrong by minutes. Read off the `Date` of answers (whole seconds), the quickest
 * of which says most.
 */
import { useSyncExternalStore } from 'react'

const KEPT = 8
const MINUTE_MS = 60_000

let samples: { offset: number; delay: number }[] = []
let offset = 0

/** Learn from an answer that took `delay` milliseconds. */
export function observe(date: string | null, delay: number): void {
  const server = date === null ? Number.NaN : Date.parse(date)
  if (Number.isNaN(server)) return
  // In the middle of its second, half of the way ago.
  samples = [...samples, { offset: server + 500 + delay / 2 - Date.now(), delay }].slice(-KEPT)
  const quick = samples.toSorted((a, b) => a.delay - b.delay).slice(0, Math.ceil(samples.length / 2))
  const mean = quick.reduce((sum, sample) => sum + sample.offset, 0) / quick.length
  // Whole-second readings shake by half a second, which nobody should see.
  if (Math.abs(mean - offset) > 1000) offset = mean
}

/** The server's time in milliseconds. */
export function now(): number {
  return Date.now() + offset
}

let minute = now()
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()

function tick(): void {
  minute = now()
  timer = setTimeout(tick, MINUTE_MS - (minute % MINUTE_MS))
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  if (listeners.size === 1) {
    tick()
    document.addEventListener('visibilitychange', awake)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', awake)
    }
  }
}

/** Timers sleep with the machine and in hidden tabs. */
function awake(): void {
  if (document.visibilityState !== 'visible') return
  clearTimeout(timer)
  tick()
}

/** The server's time as of this minute: one timer for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => minute)
}
