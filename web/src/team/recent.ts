/** What the team finished last: one request, then kept right by the socket. */
import { queryOptions, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { data, type Api } from '../api/client'
import { keys } from '../api/queries'
import type { Expectation } from '../api/types'
import { useApi } from '../app/providers'
import { withUser, type Change } from '../live/changes'
import { useChanges } from '../live/live'

/** Enough to know what most of those who are on nothing did last. */
const KEPT = 100
const KEY = [...keys.history, 'recent'] as const

const recentQuery = (api: Api) =>
  queryOptions({
    queryKey: KEY,
    queryFn: async ({ signal }) => {
      const query = { status: 'completed' as const, limit: KEPT }
      return (await data(api.GET('/api/v1/expectations', { params: { query }, signal }))).items
    },
    staleTime: Infinity,
  })

const NONE: Expectation[] = []

/** Newest first. Empty while it is not known, which nobody has to be told of. */
export function useRecent(): Expectation[] {
  const cache = useQueryClient()
  useChanges((change) => take(cache, change))
  return useQuery(recentQuery(useApi())).data ?? NONE
}

function take(cache: QueryClient, change: Change): void {
  if (change.table !== 'expectations') return
  const row = change.eventType === 'DELETE' ? change.old : change.new
  const finished = change.eventType !== 'DELETE' && row.is_done
  cache.setQueryData<Expectation[]>(KEY, (recent) => {
    const others = recent?.filter(({ id }) => id !== row.id)
    if (recent === undefined || others === undefined) return recent
    if (finished) return [withUser(cache, row), ...others].slice(0, KEPT)
    return others.length === recent.length ? recent : others
  })
}
