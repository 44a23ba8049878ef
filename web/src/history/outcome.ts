/** Estimated against actual. */
import type { Expectation } from '../api/types'
import { duration } from '../ui/durations'
import type { Words } from '../words/words'

const MINUTE_MS = 60_000

export type Outcome = 'early' | 'on-time' | 'late' | 'no-estimate'

/** As the weekly reports count it: late is what was done after its time, by however little. */
export function outcome(item: Expectation): Outcome {
  const error = errorMs(item)
  if (error === null) return 'no-estimate'
  if (error > 0) return 'late'
  return error > -MINUTE_MS ? 'on-time' : 'early'
}

export function outcomeWords(item: Expectation, words: Words): string {
  const error = errorMs(item)
  switch (outcome(item)) {
    case 'no-estimate':
      return words.history.noEstimate
    case 'on-time':
      return words.time.onTime
    case 'early':
      return words.time.early(duration(error ?? 0, words.time))
    case 'late':
      return words.time.late(duration(Math.max(error ?? 0, MINUTE_MS), words.time))
  }
}

/** From publishing to done, in milliseconds. */
export function takenMs(item: Expectation): number {
  return Date.parse(item.done_at ?? item.created_at) - Date.parse(item.created_at)
}

/** How many had an estimate, and how many of these were done in time. */
export function onTime(items: readonly Expectation[]): { estimated: number; onTime: number } {
  const outcomes = items.map(outcome).filter((each) => each !== 'no-estimate')
  return { estimated: outcomes.length, onTime: outcomes.filter((each) => each !== 'late').length }
}

/** Done minus estimated. */
function errorMs({ done_at, estimated_completion }: Expectation): number | null {
  if (done_at === null || estimated_completion === null) return null
  return Date.parse(done_at) - Date.parse(estimated_completion)
}
