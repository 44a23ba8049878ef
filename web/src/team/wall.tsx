import { useQuery } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import { data } from '../api/client'
import { keys } from '../api/queries'
import { ConnectionNotice } from '../app/connection_notice'
import { useApi } from '../app/providers'
import { useNow } from '../live/clock'
import { Avatar } from '../ui/avatar'
import { useLanguage, useWords } from '../words/words'
import { useBoard } from './board'
import { since } from './card'
import { Due } from './due'
import { countsOf, type Card } from './roster'
import { useOrder } from './use_order'
import './team.css'
import './wall.css'

/** Each page is read once, from across the room. */
const PAGE_MS = 12_000
const RETRY_MS = 15_000
const MIN_TILE = { width: 400, height: 240 }

/** The team's board for a screen that nobody touches: never sleeps, recovers by itself, turns its pages. */
export function WallPage() {
  const words = useWords().team
  const { cards, error, retry } = useBoard()
  useAwake()
  useEvery(error === null ? null : RETRY_MS, retry)
  return (
    <main className="wall" aria-label={words.wallTitle}>
      <ConnectionNotice />
      <Head cards={cards ?? []} />
      {cards !== null && <Tiles cards={cards} />}
    </main>
  )
}

function Head({ cards }: { cards: readonly Card[] }) {
  const words = useWords()
  const language = useLanguage()
  const api = useApi()
  const now = useNow()
  const team = useQuery({ queryKey: keys.team, queryFn: () => data(api.GET('/api/v1/team')), staleTime: Infinity })
  const counts = countsOf(cards, now)
  return (
    <header>
      <h1>{team.data?.name ?? words.shell.product}</h1>
      <p>
        {words.team.focused(counts.focused)} ·{' '}
        <span className={counts.late > 0 ? 'is-late' : undefined}>{words.team.late(counts.late)}</span> ·{' '}
        {words.team.hereCount(counts.here)}
      </p>
      <time className="wall-clock">{new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(now)}</time>
    </header>
  )
}

function Tiles({ cards }: { cards: readonly Card[] }) {
  const words = useWords()
  const list = useRef<HTMLUListElement>(null)
  const ordered = useOrder(cards, 'wall', list)
  const room = useRoom(list)
  // As large as so few can be.
  const columns = Math.min(room.columns, Math.ceil(Math.sqrt(ordered.length)) || 1)
  const rows = Math.min(room.rows, Math.ceil(ordered.length / columns) || 1)
  const fitting = columns * rows
  const pages = Math.max(1, Math.ceil(ordered.length / fitting))
  const [turned, setTurned] = useState(0)
  useEvery(pages > 1 ? PAGE_MS : null, () => setTurned((before) => before + 1))
  const page = turned % pages
  const style = { '--columns': columns, '--rows': rows } as React.CSSProperties
  return (
    <>
      <ul ref={list} className="tiles" style={style}>
        {ordered.slice(page * fitting, (page + 1) * fitting).map((card) => (
          <Tile key={card.member.id} card={card} />
        ))}
      </ul>
      {pages > 1 && <p className="wall-page">{words.team.pageOf(page + 1, pages)}</p>}
    </>
  )
}

function Tile({ card: { member, focus, last, here } }: { card: Card }) {
  const words = useWords()
  return (
    <li data-member={member.id} className={focus === null ? 'tile card nobody' : 'tile card'}>
      <Avatar id={member.id} name={member.name} url={member.avatar_url} size={56} here={here} />
      <strong>
        {member.name}
        {here && <span className="visually-hidden"> {words.team.hereNow}</span>}
      </strong>
      <span className="what typed">{focus?.title ?? words.team.nothingSet}</span>
      {focus !== null ? (
        <Due estimate={focus.estimated_completion} />
      ) : (
        last?.done_at && (
          <span className="due quiet">{words.team.last(last.title, since(last.done_at, words.time))}</span>
        )
      )}
    </li>
  )
}

/** How many tiles there is room for. */
function useRoom(list: RefObject<HTMLElement | null>): { columns: number; rows: number } {
  const [room, setRoom] = useState({ columns: 3, rows: 3 })
  useLayoutEffect(() => {
    const element = list.current
    if (element === null) return
    const look = () => {
      const columns = Math.max(1, Math.floor(element.clientWidth / MIN_TILE.width))
      const rows = Math.max(1, Math.floor(element.clientHeight / MIN_TILE.height))
      setRoom((before) => (before.columns === columns && before.rows === rows ? before : { columns, rows }))
    }
    const observer = new ResizeObserver(look)
    observer.observe(element)
    return () => observer.disconnect()
  }, [list])
  return room
}

/** Keeps the screen on while the page is shown; browsers let go of it whenever it is hidden. */
function useAwake(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | undefined
    let shown = true
    const keep = async () => {
      if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return
      const kept = await navigator.wakeLock.request('screen').catch(() => undefined) // low battery
      if (shown) lock = kept
      else await kept?.release()
    }
    const look = () => void keep()
    look()
    document.addEventListener('visibilitychange', look)
    return () => {
      shown = false
      document.removeEventListener('visibilitychange', look)
      void lock?.release()
    }
  }, [])
}

/** Act again and again; null: not now. */
function useEvery(ms: number | null, act: () => void): void {
  const acting = useEffectEvent(act)
  useEffect(() => {
    if (ms === null) return
    const timer = setInterval(() => acting(), ms)
    return () => clearInterval(timer)
  }, [ms])
}
