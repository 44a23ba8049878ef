/** A week's figures in words. */
import { duration } from '../ui/durations'
import type { Words } from '../words/words'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** The median of done minus estimated: "12 min early", "on time", "1 h late". */
export function errorWords(hours: number, words: Words['time']): string {
  const ms = hours * HOUR_MS
  if (Math.abs(ms) < MINUTE_MS / 2) return words.onTime
  const span = duration(ms, words)
  return ms > 0 ? words.late(span) : words.early(span)
}

export type Change = 'more' | 'less' | 'same'

/** How a figure compares to that of the week before, and by how much. */
export function change(now: number, before: number): { direction: Change; by: number } {
  const by = now - before
  return { direction: by > 0 ? 'more' : by < 0 ? 'less' : 'same', by: Math.abs(by) }
}
