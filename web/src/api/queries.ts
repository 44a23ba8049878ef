/** What several pages ask the api for. A page's own questions are in its folder. */
import { queryOptions, useMutationState, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useApi } from '../app/providers'
import { fetchFocus } from '../live/focus'
import { laidOver, type Act } from '../live/pending'
import { data, type Api } from './client'
import type { Member } from './types'

const PAGE = 100

export const keys = {
  me: ['me'] as const,
  team: ['team'] as const,
  members: ['members'] as const,
  focus: ['focus'] as const,
  /** Begins the key of everything that tells of finished work. */
  history: ['history'] as const,
  reports: ['reports'] as const,
  exports: ['exports'] as const,
  notifications: ['notifications'] as const,
  /** Of mutations: what is asked of expectations. */
  acts: ['acts'] as const,
}

export const meQuery = (api: Api) =>
  queryOptions({
    queryKey: keys.me,
    queryFn: ({ signal }) => data(api.GET('/api/v1/me', { signal })),
    staleTime: 60_000,
  })

export const membersQuery = (api: Api) =>
  queryOptions({ queryKey: keys.members, queryFn: ({ signal }) => fetchMembers(api, signal), staleTime: Infinity })

export const focusQuery = (api: Api, cache: QueryClient) =>
  queryOptions({ queryKey: keys.focus, queryFn: ({ signal }) => fetchFocus(api, cache, signal), staleTime: Infinity })

export const useMe = () => useQuery(meQuery(useApi()))
export const useMembers = () => useQuery(membersQuery(useApi()))

/** What this window has asked for and nobody has answered yet, oldest first. */
export const usePendingActs = () =>
  useMutationState({
    filters: { mutationKey: keys.acts, status: 'pending' },
    select: (mutation) => mutation.state.variables as Act,
  })

/** What everybody is on, with what this window has just asked for. */
export function useFocus() {
  const query = useQuery(focusQuery(useApi(), useQueryClient()))
  const acts = usePendingActs()
  const said = query.data
  const data = useMemo(() => said && { ...said, items: laidOver(said.items, acts) }, [said, acts])
  return { ...query, data }
}

/** Who is in the team at this moment, whatever the cache has. */
export function membersNow(api: Api, cache: QueryClient): Promise<Member[]> {
  return cache.query({ ...membersQuery(api), staleTime: 0 })
}

async function fetchMembers(api: Api, signal: AbortSignal): Promise<Member[]> {
  const members: Member[] = []
  let cursor: string | undefined
  do {
    const page = await data(api.GET('/api/v1/team/members', { params: { query: { limit: PAGE, cursor } }, signal }))
    members.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return members
}
