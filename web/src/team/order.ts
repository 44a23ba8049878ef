/** Which card stands where: late first (longest), then due soonest, then without a time, then nothing set. */
import type { Expectation, Member } from '../api/types'
import { isLate } from '../ui/durations'

const GROUPS = ['late', 'due', 'untimed', 'free'] as const

export type Group = (typeof GROUPS)[number]

export interface Standing {
  member: Member
  focus: Expectation | null
}

/** A card's place, with the group that brought it there. */
export interface Place {
  id: string
  group: Group
}

export function groupOf(focus: Expectation | null, now: number): Group {
  if (focus === null) return 'free'
  if (focus.estimated_completion === null) return 'untimed'
  return isLate(focus.estimated_completion, now) ? 'late' : 'due'
}

/**
 * The places of `cards`, given those `before`. A card moves only when its group has changed; one that is `held` (under the
 * pointer, or focused) keeps its very place, and the others are arranged around it. `before` itself when nothing changes.
 */
export function arrange(
  before: readonly Place[],
  cards: readonly Standing[],
  now: number,
  held: ReadonlySet<string>,
): readonly Place[] {
  const byId = new Map(cards.map((card) => [card.member.id, { card, group: groupOf(card.focus, now) }]))
  const present = before.filter(({ id }) => byId.has(id))
  const kept = present.filter(({ id, group }) => held.has(id) || byId.get(id)?.group === group)
  const keptIds = new Set(kept.map(({ id }) => id))
  const arriving = [...byId.values()].filter(({ card }) => !keptIds.has(card.member.id)).sort(compare)
  const places = merged(
    kept.filter(({ id }) => !held.has(id)),
    arriving,
    (id) => byId.get(id),
  )
  for (const [index, place] of before.entries()) {
    if (held.has(place.id) && byId.has(place.id)) places.splice(index, 0, place)
  }
  return same(before, places) ? before : places
}

interface Grouped {
  card: Standing
  group: Group
}

/** The arriving ones, each before the first of the staying ones that belongs behind it. */
function merged(staying: Place[], arriving: Grouped[], of: (id: string) => Grouped | undefined): Place[] {
  const places: Place[] = []
  let next = 0
  for (const place of staying) {
    const other = of(place.id)
    for (let first = arriving[next]; first && other && compare(first, other) < 0; first = arriving[++next]) {
      places.push({ id: first.card.member.id, group: first.group })
    }
    places.push(place)
  }
  return [...places, ...arriving.slice(next).map(({ card, group }) => ({ id: card.member.id, group }))]
}

const names = new Intl.Collator()

function compare(one: Grouped, other: Grouped): number {
  return (
    GROUPS.indexOf(one.group) - GROUPS.indexOf(other.group) ||
    due(one.card) - due(other.card) ||
    names.compare(one.card.member.name, other.card.member.name) ||
    (one.card.member.id < other.card.member.id ? -1 : 1)
  )
}

function due({ focus }: Standing): number {
  return focus?.estimated_completion ? Date.parse(focus.estimated_completion) : 0
}

function same(before: readonly Place[], after: readonly Place[]): boolean {
  return (
    before.length === after.length &&
    before.every(({ id, group }, index) => after[index]?.id === id && after[index].group === group)
  )
}
