/** What the team or one member has finished, newest first, live. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { History as HistoryIcon, SearchX } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Button } from 'react-aria-components'
import { useMembers } from '../api/queries'
import { withUser } from '../live/changes'
import { useNow } from '../live/clock'
import { useChanges } from '../live/live'
import { Empty, Failed } from '../ui/states'
import { useWords } from '../words/words'
import { dayOf } from './days'
import { Filters } from './filters'
import { MemberHeader } from './member_header'
import { daysOf, instants } from './periods'
import { historyKey, itemsOf, useHistory, withChange, type Filter, type History } from './queries'
import { Timeline } from './timeline'
import { TimelineSkeleton } from './timeline_skeleton'
import './history.css'

export function HistoryPage() {
  const words = useWords().history
  const search = useSearch({ from: '/shell/history' })
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const today = dayOf(useNow(), zone)
  const filter: Filter = {
    member: search.member,
    ...instants(daysOf(search, today), zone),
    archived: search.archived ?? false,
  }
  const history = useHistory(filter)
  const items = useMemo(() => (history.data === undefined ? undefined : itemsOf(history.data)), [history.data])
  const arrived = useArrivals(filter)

  return (
    <div className="page history">
      {search.member === undefined ? (
        <h1>{words.title}</h1>
      ) : (
        <MemberHeader id={search.member} items={items} complete={!history.hasNextPage} />
      )}
      <Filters search={search} today={today} />
      <p className="visually-hidden" role="status">
        {arrived}
      </p>
      {items === undefined ? (
        history.isError ? (
          <Failed error={history.error} retry={() => void history.refetch()} />
        ) : (
          <TimelineSkeleton />
        )
      ) : items.length === 0 && !history.hasNextPage ? (
        <Nothing
          archived={filter.archived}
          filtered={search.member !== undefined || filter.from !== undefined || filter.to !== undefined}
        />
      ) : (
        <Timeline
          key={JSON.stringify(filter)}
          items={items}
          history={history}
          today={today}
          zone={zone}
          search={search}
        />
      )}
    </div>
  )
}

function Nothing({ filtered, archived }: { filtered: boolean; archived: boolean }) {
  const words = useWords().history
  const navigate = useNavigate()
  if (!filtered) {
    return (
      <Empty icon={HistoryIcon} title={words.emptyTitle}>
        <p className="quiet">{words.empty}</p>
      </Empty>
    )
  }
  return (
    <Empty icon={SearchX} title={words.noResultsTitle}>
      {!archived && (
        <>
          <p className="quiet">{words.noResults}</p>
          <Button
            className="button"
            onPress={() => void navigate({ to: '/history', search: (search) => ({ ...search, archived: true }) })}
          >
            {words.withArchived}
          </Button>
        </>
      )}
      <Button className="button" onPress={() => void navigate({ to: '/history' })}>
        {words.clear}
      </Button>
    </Empty>
  )
}

/** Keeps the shown history right as work is finished and reopened; what was finished last, in words. */
function useArrivals(filter: Filter): string {
  const words = useWords().history
  const cache = useQueryClient()
  const members = useMembers().data
  const [arrived, setArrived] = useState('')
  useChanges((change) => {
    if (change.table !== 'expectations') return
    const deleted = change.eventType === 'DELETE'
    const item = withUser(cache, deleted ? change.old : change.new)
    cache.setQueryData<History>(historyKey(filter), (history) => {
      return history === undefined ? history : withChange(history, item, filter, deleted)
    })
    const finishedNow = change.eventType === 'UPDATE' && item.is_done && !change.old.is_done
    if (!finishedNow || (filter.member !== undefined && filter.member !== item.user_id)) return
    const name = members?.find(({ id }) => id === item.user_id)?.name ?? item.user.name
    setArrived(words.arrived(name, item.title))
  })
  return arrived
}
