import { expect, test } from 'vitest'
import type { Expectation } from '../api/types'
import { itemsOf, withChange, type Filter, type History } from './queries'

const item = (id: string, done_at: string | null, more: Partial<Expectation> = {}) =>
  ({ id, done_at, user_id: 'alex', archived_at: null, version: 1, ...more }) as Expectation
const history = (...pages: Expectation[][]): History => ({
  pages: pages.map((items) => ({ items, next_cursor: null, as_of: null })),
  pageParams: pages.map(() => ({ status: 'completed' })),
})
const ids = (shown: History) => itemsOf(shown).map(({ id }) => id)

const EVERYTHING: Filter = { archived: false }
const TWO_PAGES = history([item('d', '2026-11-04'), item('c', '2026-11-03')], [item('b', '2026-11-02')])

test('what was finished now is on top, once, however often it is told', () => {
  const once = withChange(TWO_PAGES, item('e', '2026-11-05'), EVERYTHING)

  expect(ids(once)).toEqual(['e', 'd', 'c', 'b'])
  expect(ids(withChange(once, item('e', '2026-11-05', { version: 2 }), EVERYTHING))).toEqual(['e', 'd', 'c', 'b'])
})

test('what comes late is at its place; what is older than all that is loaded waits for its page', () => {
  expect(ids(withChange(TWO_PAGES, item('x', '2026-11-02T12:00:00Z'), EVERYTHING))).toEqual(['d', 'c', 'x', 'b'])
  expect(ids(withChange(TWO_PAGES, item('a', '2026-11-01'), EVERYTHING))).toEqual(['d', 'c', 'b'])
  expect(ids(withChange(history([]), item('a', '2026-11-01'), EVERYTHING))).toEqual(['a'])
})

test('what is reopened or deleted goes', () => {
  expect(ids(withChange(TWO_PAGES, item('c', null), EVERYTHING))).toEqual(['d', 'b'])
  expect(ids(withChange(TWO_PAGES, item('c', '2026-11-03'), EVERYTHING, true))).toEqual(['d', 'b'])
  expect(withChange(TWO_PAGES, item('y', null), EVERYTHING)).toBe(TWO_PAGES)
})

test('what is archived goes, unless archived work is shown', () => {
  const archived = item('b', '2026-11-02', { archived_at: '2027-02-01' })

  expect(ids(withChange(TWO_PAGES, archived, EVERYTHING))).toEqual(['d', 'c'])
  expect(ids(withChange(TWO_PAGES, archived, { archived: true }))).toEqual(['d', 'c', 'b'])
})

test('what the page is not about does not come in', () => {
  const news = item('e', '2026-11-05')

  expect(ids(withChange(TWO_PAGES, news, { archived: false, member: 'maria' }))).not.toContain('e')
  expect(ids(withChange(TWO_PAGES, news, { archived: false, to: '2026-11-05T00:00:00Z' }))).not.toContain('e')
  expect(ids(withChange(TWO_PAGES, news, { archived: false, from: '2026-11-05T00:00:00Z' }))).toContain('e')
})
