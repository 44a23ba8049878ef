/** What everybody is on: the list that REST brings and the socket keeps right. */
import type { QueryClient } from '@tanstack/react-query'
import { data, type Api } from '../api/client'
import { keys } from '../api/queries'
import type { Expectation } from '../api/types'
import { versions } from './versions'

export interface Focus {
  items: Expectation[]
  /** While the database is away: when it was so. */
  asOf: string | null
}

const PAGE = 100

export async function fetchFocus(api: Api, cache: QueryClient, signal: AbortSignal): Promise<Focus> {
  const fetched: Expectation[] = []
  let asOf: string | null = null
  let cursor: string | undefined
  const before = new Set(cache.getQueryData<Focus>(keys.focus)?.items.map(({ id }) => id))
  do {
    const query = { status: 'active' as const, limit: PAGE, cursor }
    const page = await data(api.GET('/api/v1/expectations', { params: { query }, signal }))
    fetched.push(...page.items)
    asOf = page.as_of ?? asOf
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  const shown = cache.getQueryData<Focus>(keys.focus)?.items ?? []
  const byId = new Map(shown.map((item) => [item.id, item]))
  // What was published while the pages came is in none of them.
  const listed = new Set(fetched.map(({ id }) => id))
  const news = shown.filter(({ id }) => !listed.has(id) && !before.has(id))
  return { items: [...versions.current(fetched, (id) => byId.get(id)), ...news], asOf }
}
