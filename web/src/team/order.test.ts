import { describe, expect, test } from 'vitest'
import type { Expectation, Member } from '../api/types'
import { arrange, type Place, type Standing } from './order'

const NOW = Date.parse('2030-01-31T12:00:00Z')
const MINUTE = 60_000
const NONE: ReadonlySet<string> = new Set()

/** Somebody who is on something that is due in so many minutes; null: without a time; undefined: on nothing. */
function card(name: string, minutes?: number | null): Standing {
  const estimate = typeof minutes === 'number' ? new Date(NOW + minutes * MINUTE).toISOString() : null
  const focus = minutes === undefined ? null : ({ estimated_completion: estimate } as Expectation)
  return { member: { id: name, name } as Member, focus }
}

const ids = (places: readonly Place[]) => places.map(({ id }) => id).join(' ')
const fresh = (...cards: Standing[]) => arrange([], cards, NOW, NONE)

describe('the order of cards', () => {
  test('is late first (longest), due soonest, without time, nothing set', () => {
    const places = fresh(
      card('free'),
      card('untimed', null),
      card('tonight', 400),
      card('soon', 5),
      card('a bit late', -2),
      card('long late', -90),
      card('also free'),
    )
    expect(places.map(({ id }) => id)).toEqual([
      'long late',
      'a bit late',
      'soon',
      'tonight',
      'untimed',
      'also free',
      'free',
    ])
  })

  test('counts who is over by less than a minute as due, as the card says', () => {
    expect(fresh(card('now', -0.5)).at(0)?.group).toBe('due')
  })

  test('stays while nobody changes groups, whatever their times', () => {
    const before = fresh(card('a', 10), card('b', 20), card('c'))
    expect(arrange(before, [card('a', 90), card('b', 20), card('c')], NOW, NONE)).toBe(before)
  })

  test('takes a card to where it belongs when its group changes, and leaves the others as they stand', () => {
    const before = arrange(
      fresh(card('a', 10), card('b', 20), card('c')),
      [card('a', 90), card('b', 20), card('c')],
      NOW,
      NONE,
    )
    const after = arrange(before, [card('a', 90), card('b', 20), card('c', 5)], NOW, NONE)
    expect(ids(after)).toBe('c a b')
  })

  test('moves a card when time alone makes it late', () => {
    const cards = [card('long', -30), card('turning', 1), card('first', 0.5)]
    const after = arrange(fresh(...cards), cards, NOW + 2.5 * MINUTE, NONE)
    expect(after.map(({ id, group }) => `${id} ${group}`)).toEqual(['long late', 'first late', 'turning late'])
  })

  test('keeps a held card at its very place, and moves it when it is let go', () => {
    const before = fresh(card('a', 10), card('b', 20), card('c'), card('d'))
    const now = [card('a'), card('b', 20), card('c'), card('d', 5)]
    const during = arrange(before, now, NOW, new Set(['a']))
    expect(ids(during)).toBe('a d b c')
    expect(ids(arrange(during, now, NOW, NONE))).toBe('d b a c')
  })

  test('moves others around a held card, never it', () => {
    const before = fresh(card('a', 10), card('b', 20), card('c', 30), card('d'))
    const now = [card('a'), card('b', 20), card('c', 30), card('d', 5)]
    expect(ids(arrange(before, now, NOW, new Set(['b'])))).toBe('d b c a')
  })

  test('holds every card that is pointed at or focused', () => {
    const before = fresh(card('a', 10), card('b', 20), card('c', 30))
    const now = [card('a', 10), card('b'), card('c', -30)]
    expect(arrange(before, now, NOW, new Set(['b', 'c']))).toBe(before)
  })

  test('leaves out who is gone, held or not, and takes in who is new', () => {
    const before = fresh(card('a', 10), card('b', 20), card('c'))
    expect(ids(arrange(before, [card('b', 20), card('new', 15), card('c')], NOW, new Set(['a'])))).toBe('new b c')
  })
})
