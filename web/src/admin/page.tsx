import { useNavigate, useSearch } from '@tanstack/react-router'
import { ExternalLink, Search, Users } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { Input, SearchField } from 'react-aria-components'
import { useFocus, useMe, useMembers } from '../api/queries'
import type { Member } from '../api/types'
import { configuration } from '../app/configuration'
import { useHere } from '../live/live'
import { Empty, Failed, Skeleton } from '../ui/states'
import { useLanguage, useWords } from '../words/words'
import { Confirm } from './confirm'
import type { Act } from './acts'
import { MemberRow } from './member_row'
import './members.css'

/** Searched from so many members on. */
const MANY = 8
const CLERK = 'https://dashboard.clerk.com'

/** Who is in the team, and what they are on; admins may act on that. */
export function MembersPage() {
  const words = useWords().admin
  const members = useMembers()
  const { find = '' } = useSearch({ from: '/shell/members' })
  const navigate = useNavigate()
  const count = members.data?.length ?? 0
  return (
    <div className="page members">
      <header>
        <h1>{words.title}</h1>
        {members.isSuccess && <Summary members={members.data} />}
        {(count >= MANY || find !== '') && (
          <SearchField
            className="search"
            aria-label={words.search}
            value={find}
            onChange={(text) =>
              void navigate({ to: '.', search: { find: text === '' ? undefined : text }, replace: true })
            }
          >
            <Search className="icon" aria-hidden />
            <Input placeholder={words.search} />
          </SearchField>
        )}
      </header>
      {members.isPending ? (
        <Loading />
      ) : members.isError ? (
        <Failed error={members.error} retry={() => void members.refetch()} />
      ) : (
        <List members={members.data} find={find} />
      )}
      <Roles />
    </div>
  )
}

function Summary({ members }: { members: Member[] }) {
  const words = useWords().admin
  const here = useHere()
  const admins = members.filter(({ role }) => role === 'admin').length
  return (
    <p className="quiet">{words.summary(members.length, admins, members.filter(({ id }) => here.has(id)).length)}</p>
  )
}

function List({ members, find }: { members: Member[]; find: string }) {
  const words = useWords().admin
  const language = useLanguage()
  const me = useMe().data
  const here = useHere()
  const focus = useFocus().data
  const [act, setAct] = useState<Act | null>(null)
  const wanted = useDeferredValue(find)
  const on = new Map(focus?.items.map((item) => [item.user_id, item]))
  const found = members
    .filter((member) => finds(`${member.name} ${member.timezone} ${on.get(member.id)?.title ?? ''}`, wanted))
    .sort((a, b) => a.name.localeCompare(b.name, language))
  if (found.length === 0) {
    return (
      <Empty icon={Users} title={words.noneTitle}>
        <p>{words.none(find)}</p>
      </Empty>
    )
  }
  return (
    <>
      <ul>
        {found.map((member) => (
          <MemberRow
            key={member.id}
            member={member}
            expectation={on.get(member.id)}
            known={focus !== undefined}
            here={here.has(member.id)}
            mine={member.id === me?.id}
            act={me?.role === 'admin' && member.id !== me.id ? setAct : undefined}
          />
        ))}
      </ul>
      <Confirm act={act} close={() => setAct(null)} />
    </>
  )
}

/** Who makes somebody an admin: the sign-in service, which our stand-in is not asked for. */
function Roles() {
  const words = useWords().admin
  const admin = useMe().data?.role === 'admin'
  return (
    <p className="quiet roles">
      {admin ? words.rolesForAdmins : words.roles}{' '}
      {admin && configuration.clerk_publishable_key !== null && (
        <a href={CLERK} target="_blank" rel="noopener noreferrer">
          {words.openClerk} <ExternalLink className="icon" aria-hidden />
        </a>
      )}
    </p>
  )
}

function Loading() {
  return (
    <div className="loading">
      {[0, 1, 2, 3].map((row) => (
        <Skeleton key={row} height={64} />
      ))}
    </div>
  )
}

function finds(text: string, typed: string): boolean {
  return plain(typed)
    .split(/\s+/)
    .every((word) => plain(text).includes(word))
}

function plain(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll('_', ' ').toLowerCase().trim()
}
