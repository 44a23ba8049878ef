/** What the database tells of a row that changed, and what it changes in the query cache. */
import type { QueryClient } from '@tanstack/react-query'
import { keys } from '../api/queries'
import type { Expectation, Member } from '../api/types'
import type { Focus } from './focus'
import { versions } from './versions'

export type ExpectationRow = Omit<Expectation, 'user'>
type UserRow = Pick<Member, 'id' | 'name' | 'avatar_url' | 'timezone'>
interface MembershipRow {
  team_id: string
  user_id: string
}

interface RowChange<Table extends string, Row> {
  table: Table
  eventType: 'INSERT' | 'UPDATE' | 'DELETE'
  new: Row
  old: Row
}

export type Change =
  RowChange<'expectations', ExpectationRow> | RowChange<'users', UserRow> | RowChange<'memberships', MembershipRow>

/** Take a change into the cache; an older version than what is there changes nothing. Returns whether it was news. */
export function apply(cache: QueryClient, change: Change): boolean {
  switch (change.table) {
    case 'expectations':
      return applyExpectation(cache, change)
    case 'users':
      cache.setQueryData<Member[]>(keys.members, (members) =>
        members?.map((member) => (member.id === change.new.id ? { ...member, ...pick(change.new) } : member)),
      )
      return true
    case 'memberships':
      void cache.invalidateQueries({ queryKey: keys.members })
      return true
  }
}

function applyExpectation(cache: QueryClient, change: RowChange<'expectations', ExpectationRow>): boolean {
  const row = change.eventType === 'DELETE' ? change.old : change.new
  const gone = change.eventType === 'DELETE' || row.is_done
  if (!versions.learn(row.id, row.version, gone, change.eventType === 'DELETE')) return false
  cache.setQueryData<Focus>(keys.focus, (focus) => {
    if (focus === undefined) return focus
    const others = focus.items.filter((item) => item.id !== row.id)
    return { ...focus, asOf: null, items: gone ? others : [...others, withUser(cache, row)] }
  })
  return true
}

/** The row as REST shows it: with whose it is. */
export function withUser(cache: QueryClient, row: ExpectationRow): Expectation {
  const member = cache.getQueryData<Member[]>(keys.members)?.find(({ id }) => id === row.user_id)
  return { ...row, user: { id: row.user_id, name: member?.name ?? '', avatar_url: member?.avatar_url ?? null } }
}

function pick({ name, avatar_url, timezone }: UserRow): Omit<UserRow, 'id'> {
  return { name, avatar_url, timezone }
}
