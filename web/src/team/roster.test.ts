import { expect, test } from 'vitest'
import type { Expectation, Member } from '../api/types'
import { cardsOf, countsOf, shown } from './roster'

const NOW = Date.parse('2030-01-31T12:00:00Z')
const member = (id: string, name: string) => ({ id, name }) as Member
const expectation = (user_id: string, title: string, estimated_completion: string | null = null) =>
  ({ id: title, user_id, title, estimated_completion }) as Expectation

const MEMBERS = [member('1', 'Ana Muñoz'), member('2', 'Ben Ødegård'), member('3', 'Cleo')]
const cards = cardsOf(
  MEMBERS,
  [expectation('1', 'Fix the login'), expectation('2', 'Émile’s report', '2030-01-31T11:00:00Z')],
  [expectation('3', 'newest'), expectation('3', 'older')],
  new Set(['2', 'somebody who left']),
)
const found = (show: 'all' | 'late' | 'free', find = '') =>
  shown(cards, show, find, NOW).map(({ member }) => member.name)

test('a member’s card has their focus, the newest that they finished, and whether they are here', () => {
  expect(cards.map(({ focus, last, here }) => [focus?.title, last?.title, here])).toEqual([
    ['Fix the login', undefined, false],
    ['Émile’s report', undefined, true],
    [undefined, 'newest', false],
  ])
})

test('counts are of members, not of whoever else is in the lists', () => {
  expect(countsOf(cards, NOW)).toEqual({ people: 3, focused: 2, late: 1, here: 1 })
})

test('filters by state, and finds names and titles without their accents', () => {
  expect(found('late')).toEqual(['Ben Ødegård'])
  expect(found('free')).toEqual(['Cleo'])
  expect(found('all', 'munoz')).toEqual(['Ana Muñoz'])
  expect(found('all', 'REPORT emile')).toEqual(['Ben Ødegård'])
  expect(found('free', 'munoz')).toEqual([])
  expect(found('all', '  ')).toHaveLength(3)
})
