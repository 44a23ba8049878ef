/** What the board shows of each member, put together from the lists of the query cache. */
import type { Expectation, Member } from '../api/types'
import type { TeamState } from '../app/router'
import { groupOf, type Standing } from './order'

export interface Card extends Standing {
  /** The newest that they finished, where the page knows of one. */
  last: Expectation | null
  /** Has a window open right now. */
  here: boolean
}

export function cardsOf(
  members: readonly Member[],
  active: readonly Expectation[],
  finished: readonly Expectation[],
  here: ReadonlySet<string>,
): Card[] {
  const focus = new Map(active.map((item) => [item.user_id, item]))
  const last = new Map(finished.toReversed().map((item) => [item.user_id, item]))
  return members.map((member) => ({
    member,
    focus: focus.get(member.id) ?? null,
    last: last.get(member.id) ?? null,
    here: here.has(member.id),
  }))
}

export interface Counts {
  people: number
  focused: number
  late: number
  here: number
}

export function countsOf(cards: readonly Card[], now: number): Counts {
  const counts = { people: cards.length, focused: 0, late: 0, here: 0 }
  for (const { focus, here } of cards) {
    if (focus !== null) counts.focused += 1
    if (groupOf(focus, now) === 'late') counts.late += 1
    if (here) counts.here += 1
  }
  return counts
}

/** Those whom the filter lets through and whose name or title has the words in it, whatever the accents and case. */
export function shown(cards: readonly Card[], show: TeamState, find: string, now: number): readonly Card[] {
  const needles = fold(find).split(/\s+/).filter(Boolean)
  if (show === 'all' && needles.length === 0) return cards
  return cards.filter(({ member, focus }) => {
    const group = groupOf(focus, now)
    if (show === 'late' && group !== 'late') return false
    if (show === 'free' && group !== 'free') return false
    const text = fold(`${member.name} ${focus?.title ?? ''}`)
    return needles.every((needle) => text.includes(needle))
  })
}

function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}
