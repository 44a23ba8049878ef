/** Everything that the board and the wall show, as one. */
import { useMemo } from 'react'
import { useFocus, useMembers } from '../api/queries'
import type { Expectation } from '../api/types'
import { useHere, useStatus } from '../live/live'
import { useRecent } from './recent'
import { cardsOf, type Card } from './roster'

export interface Board {
  /** Null until members and focus have come. */
  cards: Card[] | null
  /** What was finished last, newest first. */
  recent: Expectation[]
  /** Why there are no cards, and how to ask again. */
  error: Error | null
  retry: () => void
}

const NOBODY: ReadonlySet<string> = new Set()

export function useBoard(): Board {
  const members = useMembers()
  const focus = useFocus()
  const recent = useRecent()
  const present = useHere()
  // Who was here when the connection broke is not known to be here now.
  const here = useStatus() === 'live' ? present : NOBODY
  const cards = useMemo(
    () => (members.data && focus.data ? cardsOf(members.data, focus.data.items, recent, here) : null),
    [members.data, focus.data, recent, here],
  )
  const retry = () => {
    for (const query of [members, focus]) if (query.isError) void query.refetch()
  }
  return { cards, recent, error: cards === null ? (members.error ?? focus.error) : null, retry }
}
