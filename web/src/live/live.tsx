import { useQuery, useQueryClient } from '@tanstack/react-query'
import {
  createContext,
  use,
  useEffect,
  useEffectEvent,
  useMemo,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react'
import { ApiError } from '../api/problem'
import { focusQuery, membersNow } from '../api/queries'
import { useApi } from '../app/providers'
import { useSession } from '../session/session'
import type { Change } from './changes'
import { Connection, type Announcement, type Ending, type Status } from './connection'

/** What the api's refusals say of why the gateway has shown the member out. */
const ENDINGS: Record<string, Ending> = {
  'not-a-member': 'removed',
  'no-active-team': 'removed',
  'session-ended': 'session-ended',
}

const LiveContext = createContext<Connection | null>(null)

/** Keeps the connection of who is signed in for as long as it is shown. */
export function Live({ children, onEnded }: { children: ReactNode; onEnded: (why: Ending) => void }) {
  const session = useSession()
  const api = useApi()
  const cache = useQueryClient()
  const ended = useEffectEvent(onEnded)
  const connection = useMemo(() => {
    const whyEnded = async (): Promise<Ending | null> => {
      try {
        const members = await membersNow(api, cache)
        if (!members.some(({ id }) => id === session.userId)) return 'removed'
      } catch (error) {
        return error instanceof ApiError ? (ENDINGS[error.slug] ?? null) : null
      }
      return (await session.token({ fresh: true })) === null ? 'session-ended' : null
    }
    return new Connection(session, cache, whyEnded)
  }, [session, api, cache])
  // The page comes first. What changes meanwhile is in the lists, which the first join has loaded again.
  const { isPending } = useQuery(focusQuery(api, cache))
  const [isPageThere, setPageThere] = useState(false)
  if (!isPending && !isPageThere) setPageThere(true)
  useEffect(() => {
    if (!isPageThere) return
    void connection.start((why) => ended(why))
    return () => connection.stop()
  }, [connection, isPageThere])
  return <LiveContext value={connection}>{children}</LiveContext>
}

export function useConnection(): Connection {
  const connection = use(LiveContext)
  if (connection === null) throw new Error('not inside <Live>')
  return connection
}

export function useStatus(): Status {
  const connection = useConnection()
  return useSyncExternalStore(
    (listener) => connection.on('status', listener),
    () => connection.status,
  )
}

/** Ids of the members who have a window open right now. */
export function useHere(): ReadonlySet<string> {
  const connection = useConnection()
  return useSyncExternalStore(
    (listener) => connection.on('presence', listener),
    () => connection.here,
  )
}

/** Be told of every change of a row that was news, after the cache has it. */
export function useChanges(listener: (change: Change) => void): void {
  const connection = useConnection()
  const told = useEffectEvent(listener)
  useEffect(() => connection.on('change', (change) => told(change)), [connection])
}

/** Be told of what the system announces to this member: `export.ready`, `report.ready`, `reminder` and the like. */
export function useAnnouncements(listener: (announcement: Announcement) => void): void {
  const connection = useConnection()
  const told = useEffectEvent(listener)
  useEffect(() => connection.on('announcement', (announcement) => told(announcement)), [connection])
}
