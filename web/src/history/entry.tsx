import { Link, useNavigate } from '@tanstack/react-router'
import { Archive, Check, CheckCheck, CircleDashed, ClockAlert } from 'lucide-react'
import { useMembers } from '../api/queries'
import type { Expectation } from '../api/types'
import { Avatar } from '../ui/avatar'
import { duration } from '../ui/durations'
import { useLanguage, useWords } from '../words/words'
import { dayOf } from './days'
import { outcome, outcomeWords, takenMs } from './outcome'

const ICONS = { early: CheckCheck, 'on-time': Check, late: ClockAlert, 'no-estimate': CircleDashed }

interface Properties {
  item: Expectation
  zone: string
  /** Everything is this member's, so it is not said again. */
  alone: boolean
  position: { tabIndex: number; onFocus: () => void }
}

/** One finished expectation: when, who, what, and how the estimate went. */
export function Entry({ item, zone, alone, position }: Properties) {
  const words = useWords()
  const navigate = useNavigate()
  const language = useLanguage()
  // The member as they are called now; who has left, as the list knows them.
  const user = useMembers().data?.find(({ id }) => id === item.user_id) ?? item.user
  const kind = outcome(item)
  const Icon = ICONS[kind]
  const doneAt = item.done_at ?? item.created_at
  const time = new Intl.DateTimeFormat(language, { timeStyle: 'short', timeZone: zone })
  const openMember = (event: React.KeyboardEvent) => {
    if (event.key !== 'Enter' || event.target !== event.currentTarget || alone) return
    void navigate({ to: '/history', search: (search) => ({ ...search, member: item.user_id }) })
  }
  return (
    // Not a control: `J` and `K` put the focus on it, so that it is read.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <article
      className={alone ? 'entry alone' : 'entry'}
      data-key={item.id}
      tabIndex={position.tabIndex}
      onFocus={position.onFocus}
      onKeyDown={openMember}
      aria-labelledby={`who-${item.id} what-${item.id}`}
    >
      <time dateTime={doneAt}>{time.format(Date.parse(doneAt))}</time>
      <span className="who">
        <Avatar id={item.user_id} name={user.name} url={user.avatar_url} size={24} />
        <Link
          id={`who-${item.id}`}
          to="/history"
          search={(search) => ({ ...search, member: item.user_id })}
          tabIndex={alone ? -1 : undefined}
        >
          {user.name}
        </Link>
      </span>
      <span className="what">
        <span className="typed" id={`what-${item.id}`}>
          {item.title}
        </span>
        {item.archived_at !== null && (
          <small className="quiet">
            <Archive className="icon" aria-hidden /> {words.history.archived}
          </small>
        )}
      </span>
      <span className="took quiet time">{words.history.took(duration(takenMs(item), words.time))}</span>
      <span className={`outcome ${kind} time`} title={estimate()}>
        <Icon className="icon" aria-hidden /> {outcomeWords(item, words)}
      </span>
    </article>
  )

  function estimate(): string | undefined {
    if (item.estimated_completion === null) return undefined
    const sameDay = dayOf(item.estimated_completion, zone).compare(dayOf(doneAt, zone)) === 0
    const format = sameDay
      ? time
      : new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone })
    return words.history.estimated(format.format(Date.parse(item.estimated_completion)))
  }
}
