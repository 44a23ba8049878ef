/** Finished work, a page at a time, and what a change does to what was fetched. */
import { useInfiniteQuery, type InfiniteData } from '@tanstack/react-query'
import { data } from '../api/client'
import { keys } from '../api/queries'
import type { Expectation, ExpectationPage } from '../api/types'
import { useApi } from '../app/providers'

const PAGE = 50

export interface Filter {
  member?: string
  /** Done at or after. */
  from?: string
  /** Done before. */
  to?: string
  archived: boolean
}

/** Archived work is older than what is not, so its list follows the other. */
interface Part {
  status: 'completed' | 'archived'
  cursor?: string
}

export type History = InfiniteData<ExpectationPage, Part>

export const historyKey = (filter: Filter) => [...keys.history, filter] as const

export function useHistory(filter: Filter) {
  const api = useApi()
  const { member: user_id, from, to, archived } = filter
  return useInfiniteQuery<ExpectationPage, Error, History, ReturnType<typeof historyKey>, Part>({
    queryKey: historyKey(filter),
    initialPageParam: { status: 'completed' },
    queryFn: ({ pageParam, signal }) => {
      const query = { ...pageParam, user_id, from, to, limit: PAGE }
      return data(api.GET('/api/v1/expectations', { params: { query }, signal }))
    },
    getNextPageParam: ({ next_cursor }, _pages, part): Part | undefined => {
      if (next_cursor !== null) return { ...part, cursor: next_cursor }
      return archived && part.status === 'completed' ? { status: 'archived' } : undefined
    },
  })
}

/** What a page shows of the history: each item once, although one may have been archived between two requests. */
export function itemsOf(history: History): Expectation[] {
  const all = new Map(history.pages.flatMap(({ items }) => items.map((item) => [item.id, item])))
  return [...all.values()]
}

/** The history after a change of `item`: what belongs to it is at its place, anything else is not in it. */
export function withChange(history: History, item: Expectation, filter: Filter, deleted = false): History {
  const belongs = !deleted && isIn(item, filter)
  const there = history.pages.some(({ items }) => items.some(({ id }) => id === item.id))
  if (there) {
    const changed = belongs ? [item] : []
    return {
      ...history,
      pages: each(history, (items) => items.flatMap((old) => (old.id === item.id ? changed : [old]))),
    }
  }
  if (!belongs) return history
  let placed = false
  const pages = each(history, (items) => {
    const at = items.findIndex((old) => doneAt(old) <= doneAt(item))
    if (placed || at === -1) return items
    placed = true
    return items.toSpliced(at, 0, item)
  })
  // Older than all that was fetched: it comes with its page, unless there is nothing yet.
  const [first, ...others] = pages
  if (!placed && first !== undefined && pages.every(({ items }) => items.length === 0)) {
    return { ...history, pages: [{ ...first, items: [item] }, ...others] }
  }
  return { ...history, pages }
}

function isIn(item: Expectation, { member, from, to, archived }: Filter): boolean {
  if (item.done_at === null || (member !== undefined && item.user_id !== member)) return false
  if (item.archived_at !== null && !archived) return false
  const at = doneAt(item)
  return (from === undefined || at >= Date.parse(from)) && (to === undefined || at < Date.parse(to))
}

function each(history: History, change: (items: Expectation[]) => Expectation[]): ExpectationPage[] {
  return history.pages.map((page) => ({ ...page, items: change(page.items) }))
}

function doneAt({ done_at }: Expectation): number {
  return done_at === null ? Number.NaN : Date.parse(done_at)
}
