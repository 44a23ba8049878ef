import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { AlarmClock, BellOff, CheckCheck, CircleDashed, Clock, Settings, type LucideIcon } from 'lucide-react'
import { Button, ToggleButton, ToggleButtonGroup } from 'react-aria-components'
import type { Notification } from '../api/types'
import { now, useNow } from '../live/clock'
import { duration } from '../ui/durations'
import { useShowProblem } from '../ui/problems'
import { Empty, Failed, Skeleton } from '../ui/states'
import { useLanguage, useWords } from '../words/words'
import { sentence } from './news'
import { useMarkRead, useNotifications, useUnread } from './queries'
import './notifications.css'

const ICONS: Record<Notification['kind'], LucideIcon> = {
  'due-soon': Clock,
  overdue: AlarmClock,
  'nothing-set': CircleDashed,
}

/** What the member was told, newest first. */
export function NotificationsPage() {
  const words = useWords().notifications
  const { unread: unreadOnly = false } = useSearch({ from: '/shell/notifications' })
  const navigate = useNavigate()
  const unread = useUnread().data ?? 0
  const markRead = useMarkRead()
  const showProblem = useShowProblem()
  const read = (id: string | null) => markRead.mutate(id, { onError: showProblem })
  return (
    <div className="page narrow notifications">
      <header>
        <h1>{words.title}</h1>
        <ToggleButtonGroup
          className="segments"
          aria-label={words.show}
          disallowEmptySelection
          selectedKeys={[unreadOnly ? 'unread' : 'all']}
          onSelectionChange={(keys) =>
            void navigate({ to: '.', search: { unread: keys.has('unread') ? true : undefined }, replace: true })
          }
        >
          <ToggleButton id="all">{words.all}</ToggleButton>
          <ToggleButton id="unread">{words.unread}</ToggleButton>
        </ToggleButtonGroup>
        <Button className="button" isDisabled={unread === 0} onPress={() => read(null)}>
          <CheckCheck className="icon" aria-hidden /> {words.markAll}
        </Button>
        <Link
          to="/settings"
          hash="reminders"
          className="button plain"
          aria-label={words.settings}
          title={words.settings}
        >
          <Settings className="icon" aria-hidden />
        </Link>
      </header>
      <List unreadOnly={unreadOnly} read={read} />
    </div>
  )
}

function List({ unreadOnly, read }: { unreadOnly: boolean; read: (id: string) => void }) {
  const words = useWords().notifications
  const list = useNotifications(unreadOnly)
  if (list.isPending) return <Loading />
  if (list.isError) return <Failed error={list.error} retry={() => void list.refetch()} />
  const items = list.data.pages.flatMap((page) => page.items)
  if (items.length === 0) return <Nothing unreadOnly={unreadOnly} />
  return (
    <>
      {byDay(items).map(([day, ofDay]) => (
        <section key={day}>
          <DayHeading date={ofDay[0]?.created_at ?? ''} />
          <ul>
            {ofDay.map((one) => (
              <Row key={one.id} one={one} read={read} />
            ))}
          </ul>
        </section>
      ))}
      {list.hasNextPage ? (
        <Button className="button" isDisabled={list.isFetchingNextPage} onPress={() => void list.fetchNextPage()}>
          {words.older}
        </Button>
      ) : (
        <p className="quiet end">{words.kept}</p>
      )}
    </>
  )
}

function Row({ one, read }: { one: Notification; read: (id: string) => void }) {
  const words = useWords()
  const language = useLanguage()
  const time = useNow()
  const Icon = ICONS[one.kind]
  const unread = one.read_at === null
  const age = time - Date.parse(one.created_at)
  const exact = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' }).format(
    Date.parse(one.created_at),
  )
  return (
    <li>
      <Link
        to="/"
        className={unread ? 'notification unread' : 'notification'}
        data-kind={one.kind}
        onClick={() => unread && read(one.id)}
      >
        <Icon className="icon" aria-hidden />
        <span className="what">
          <span className="sentence">
            {sentence(one, words.notifications, language)}
            {unread && <span className="visually-hidden"> ({words.notifications.unreadMark})</span>}
          </span>
          <span className="typed title">{one.title ?? words.notifications.whatAreYouOn}</span>
        </span>
        <time dateTime={one.created_at} title={exact} className="quiet">
          {age < 60_000
            ? words.time.justNow
            : age < 3_600_000
              ? words.time.ago(duration(age, words.time))
              : new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(Date.parse(one.created_at))}
        </time>
      </Link>
      {unread && (
        <Button className="button plain" aria-label={words.notifications.markRead} onPress={() => read(one.id)}>
          <span className="dot" aria-hidden />
        </Button>
      )}
    </li>
  )
}

function DayHeading({ date }: { date: string }) {
  const words = useWords().time
  const language = useLanguage()
  useNow()
  const days = Math.round((midnight(now()) - midnight(Date.parse(date))) / 86_400_000)
  const text =
    days === 0
      ? words.today
      : days === 1
        ? words.yesterday
        : new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' }).format(Date.parse(date))
  return <h2>{text}</h2>
}

function Nothing({ unreadOnly }: { unreadOnly: boolean }) {
  const words = useWords().notifications
  return unreadOnly ? (
    <Empty icon={CheckCheck} title={words.allReadTitle}>
      <p>{words.allRead}</p>
    </Empty>
  ) : (
    <Empty icon={BellOff} title={words.emptyTitle}>
      <p>{words.empty}</p>
      <Link to="/settings" hash="reminders" className="button">
        {words.settings}
      </Link>
    </Empty>
  )
}

function Loading() {
  return (
    <div className="loading">
      {[0, 1, 2, 3].map((row) => (
        <Skeleton key={row} height={60} />
      ))}
    </div>
  )
}

function byDay(items: Notification[]): [string, Notification[]][] {
  const days = new Map<string, Notification[]>()
  for (const one of items) {
    const day = new Date(one.created_at).toDateString()
    days.set(day, [...(days.get(day) ?? []), one])
  }
  return [...days]
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0)
}
