/** Times to choose with one press. */
import type { Draft } from '../live/pending'
import { atHour, isSameDay, shifted } from './days'

export type Pick = NonNullable<Draft['pick']>

const MINUTE = 60_000
const DAY_ENDS = 17
/** A pick that is nearer is no help beside "30 min". */
const NEAREST_MS = 45 * MINUTE

/** Half an hour, an hour, the end of the day while that is to come, and tomorrow. */
export function quickPicks(now: Date): Pick[] {
  const end = atHour(now, DAY_ENDS, 0)
  const today: Pick = end.getTime() - now.getTime() > NEAREST_MS ? { at: end.toISOString() } : { in: 120 }
  return [{ in: 30 }, { in: 60 }, today, { at: atHour(shifted(now, 1), DAY_ENDS, 0).toISOString() }]
}

/** Times to move to: a while after what was said, or after now when that has passed; tomorrow at the same time. */
export function laterPicks(estimate: string | null, now: Date): { minutes: number | null; at: Date }[] {
  const said = estimate === null ? now : new Date(estimate)
  const from = said > now ? said : now
  const tomorrow = estimate === null || !isSameDay(said, now) ? atHour(shifted(now, 1), DAY_ENDS, 0) : shifted(said, 1)
  return [
    ...[15, 30, 60, 120].map((minutes) => ({ minutes, at: new Date(from.getTime() + minutes * MINUTE) })),
    { minutes: null, at: tomorrow },
  ]
}

export function timeOf(pick: Pick, now: Date): Date {
  return 'in' in pick ? new Date(now.getTime() + pick.in * MINUTE) : new Date(pick.at)
}

export function isSamePick(one: Pick | null, other: Pick): boolean {
  if (one === null) return false
  return 'in' in one ? 'in' in other && one.in === other.in : 'at' in other && one.at === other.at
}
