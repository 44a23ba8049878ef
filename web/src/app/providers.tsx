import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createContext, use, useMemo, type ReactNode } from 'react'
import { apiOf, type Api } from '../api/client'
import { ApiError } from '../api/problem'
import { versions } from '../live/versions'
import type { Session } from '../session/session'

const ApiContext = createContext<Api | null>(null)
const MAX_RETRY_MS = 30_000
/** How often a page that did not load tries by itself. */
const AGAIN_MS = 5000

/** The api as the member of the session; what another member was shown is forgotten. */
export function MemberProviders({
  session,
  ended,
  children,
}: {
  session: Session
  ended: () => void
  children: ReactNode
}) {
  const api = useMemo(() => apiOf(session, ended), [session, ended])
  const cache = useMemo(() => {
    versions.of(session.userId)
    return queryClient()
  }, [session.userId])
  return (
    <QueryClientProvider client={cache}>
      <ApiContext value={api}>{children}</ApiContext>
    </QueryClientProvider>
  )
}

export function useApi(): Api {
  const api = use(ApiContext)
  if (api === null) throw new Error('not inside <MemberProviders>')
  return api
}

/** When to ask again without anybody's doing; false: never, because the answer would be the same. */
function again(error: Error | null): number | false {
  if (!(error instanceof ApiError) || !(error.passing || error.status === 429)) return false
  return Math.max(AGAIN_MS, (error.retryAfter ?? 0) * 1000)
}

/** What the server refuses is refused again; what did not reach it is asked for until it does. */
export function queryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache(),
    defaultOptions: {
      queries: {
        retry: (count, error) => error instanceof ApiError && error.passing && count < 3,
        retryDelay: (count, error) =>
          Math.min(
            error instanceof ApiError && error.retryAfter ? error.retryAfter * 1000 : 500 * 2 ** count,
            MAX_RETRY_MS,
          ),
        refetchOnWindowFocus: false, // the socket tells
        refetchInterval: ({ state: { status, error } }) => status === 'error' && again(error),
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
}
