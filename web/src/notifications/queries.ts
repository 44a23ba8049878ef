import { useInfiniteQuery, useMutation, useQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { data } from '../api/client'
import { keys } from '../api/queries'
import type { Notification } from '../api/types'
import { useApi } from '../app/providers'

const PAGE = 30
const unreadKey = [...keys.notifications, 'unread-count']
const listKey = [...keys.notifications, 'list']

interface Page {
  items: Notification[]
  next_cursor: string | null
  unread: number
}

/** How many are unread. Asked for again when a window is looked at: another one, or a phone, may have read some. */
export function useUnread() {
  const api = useApi()
  return useQuery({
    queryKey: unreadKey,
    queryFn: async ({ signal }) => {
      const query = { unread: true, limit: 1 }
      return (await data(api.GET('/api/v1/notifications', { params: { query }, signal }))).unread
    },
    refetchOnWindowFocus: true,
  })
}

export function useNotifications(unreadOnly: boolean) {
  const api = useApi()
  return useInfiniteQuery({
    queryKey: [...listKey, unreadOnly],
    queryFn: ({ pageParam: cursor, signal }) => {
      const query = { limit: PAGE, cursor, unread: unreadOnly ? true : undefined }
      return data(api.GET('/api/v1/notifications', { params: { query }, signal }))
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchOnWindowFocus: true,
  })
}

/** Mark one as read, or all with `null`; shown at once, and as the server has it when it did not work. */
export function useMarkRead() {
  const api = useApi()
  const cache = useQueryClient()
  return useMutation({
    mutationFn: (id: string | null): Promise<unknown> =>
      id === null
        ? data(api.POST('/api/v1/notifications/read'))
        : data(api.POST('/api/v1/notifications/{notification_id}/read', { params: { path: { notification_id: id } } })),
    onMutate: async (id) => {
      await cache.cancelQueries({ queryKey: keys.notifications })
      const now = new Date().toISOString()
      const read = (one: Notification) => (id === null || one.id === id ? { ...one, read_at: one.read_at ?? now } : one)
      cache.setQueriesData<InfiniteData<Page>>(
        { queryKey: listKey },
        (list) => list && { ...list, pages: list.pages.map((page) => ({ ...page, items: page.items.map(read) })) },
      )
      cache.setQueryData<number>(unreadKey, (count) => (id === null ? 0 : Math.max(0, (count ?? 1) - 1)))
    },
    // Not the list: what was just read stays where it is until it is asked for again.
    onSuccess: () => cache.invalidateQueries({ queryKey: unreadKey }),
    onError: () => cache.invalidateQueries({ queryKey: keys.notifications }),
  })
}
