import type { CalendarDate } from '@internationalized/date'
import { useNavigate } from '@tanstack/react-router'
import { defaultRangeExtractor, useWindowVirtualizer, type Range } from '@tanstack/react-virtual'
import { ArrowUp } from 'lucide-react'
import { useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { Button } from 'react-aria-components'
import type { Expectation } from '../api/types'
import { useShortcuts } from '../ui/shortcuts'
import { useLanguage, useWords } from '../words/words'
import { dayWords, rows as rowsOf, type Row } from './days'
import { Entry } from './entry'
import type { Search } from './filters'
import type { useHistory } from './queries'

const HEADING_PX = 44
const ENTRY_PX = 45
/** The window begins below the bar, and entries below the day that sticks there. */
const BAR_PX = 48
const ABOVE_PX = 200
/** Rows before the end at which the next page is asked for. */
const AHEAD = 15

/** Heights as they were measured, so that the way back leads to the same place. */
const heights = new Map<unknown, number>()

interface Properties {
  items: Expectation[]
  history: ReturnType<typeof useHistory>
  today: CalendarDate
  zone: string
  search: Search
}

/** Finished work by day. Only what is near the window is in the page; the rest comes as one scrolls. */
export function Timeline({ items, history, today, zone, search }: Properties) {
  const words = useWords().history
  const language = useLanguage()
  const rows = useMemo(() => rowsOf(items, zone), [items, zone])
  const list = useRef<HTMLDivElement>(null)
  const printing = usePrinting()
  const { virtualizer, shown, stuck } = useVirtualRows(rows, list)
  useNextPage(history, (shown.at(-1)?.index ?? 0) >= rows.length - AHEAD)
  const newAbove = useStillUnderChanges(virtualizer, rows)
  const focus = useMovingFocus(virtualizer, rows, list)

  const row = (index: number) => {
    const each = rows[index]
    if (each === undefined) return null
    if ('day' in each) return <h2>{dayWords(each.day, today, language, words)}</h2>
    return <Entry item={each.item} zone={zone} alone={search.member !== undefined} position={focus(each.key)} />
  }
  return (
    <>
      {newAbove > 0 && (
        <Button className="button new-above no-print" onPress={() => scrollTo({ top: 0, behavior: 'smooth' })}>
          <ArrowUp className="icon" aria-hidden /> {words.newAbove(newAbove)}
        </Button>
      )}
      {printing ? (
        <div className="timeline" key="printed">
          {rows.map(({ key }, index) => (
            <div key={key}>{row(index)}</div>
          ))}
        </div>
      ) : (
        <div className="timeline" key="shown" ref={list} style={{ height: virtualizer.getTotalSize() }}>
          {shown.map(({ key, index, start }) => (
            <div
              key={key}
              ref={virtualizer.measureElement}
              data-index={index}
              className={index === stuck ? 'row stuck' : 'row'}
              style={index === stuck ? undefined : { translate: `0 ${start - virtualizer.options.scrollMargin}px` }}
            >
              {row(index)}
            </div>
          ))}
        </div>
      )}
      <End history={history} archived={search.archived ?? false} />
    </>
  )
}

function End({ history, archived }: { history: Properties['history']; archived: boolean }) {
  const words = useWords()
  const navigate = useNavigate()
  const showArchived = () =>
    void navigate({ to: '/history', search: (search) => ({ ...search, archived: true }), resetScroll: false })
  if (history.isFetchNextPageError) {
    return (
      <p className="end" role="alert">
        {words.history.moreFailed}
        <Button className="button" onPress={() => void history.fetchNextPage()}>
          {words.api.retry}
        </Button>
      </p>
    )
  }
  if (history.hasNextPage) {
    return (
      <p className="end quiet no-print" role="status">
        {history.isFetchingNextPage && words.history.loadingMore}
      </p>
    )
  }
  return (
    <p className="end quiet no-print">
      {archived ? words.history.end : words.history.endArchived}
      {!archived && (
        <Button className="button plain" onPress={showArchived}>
          {words.history.showArchived}
        </Button>
      )}
    </p>
  )
}

type Virtualizer = ReturnType<typeof useWindowVirtualizer<HTMLElement>>

/** The rows near the window, among them the heading of the day on top, which sticks there. */
function useVirtualRows(rows: Row[], list: React.RefObject<HTMLElement | null>) {
  // At first about right: were it less, the rows would seem to be above the window, and it would be scrolled to them.
  const [margin, setMargin] = useState(ABOVE_PX)
  useLayoutEffect(() => {
    // What is above the list grows and shrinks, and the page with it.
    const observer = new ResizeObserver(() => setMargin(list.current?.offsetTop ?? 0))
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [list])
  const headings = useMemo(() => rows.flatMap((row, index) => ('day' in row ? index : [])), [rows])
  const headingOf = (index: number) => headings.findLast((heading) => heading <= index) ?? 0
  const virtualizer = useWindowVirtualizer<HTMLElement>({
    count: rows.length,
    getItemKey: (index) => rows[index]?.key ?? index,
    estimateSize: (index) => {
      const row = rows[index]
      return heights.get(row?.key) ?? (row !== undefined && 'day' in row ? HEADING_PX : ENTRY_PX)
    },
    overscan: 10,
    scrollMargin: margin - BAR_PX,
    scrollPaddingStart: HEADING_PX,
    scrollPaddingEnd: ENTRY_PX,
    rangeExtractor: (range: Range) => {
      const near = defaultRangeExtractor(range)
      const heading = headingOf(range.startIndex)
      return near.includes(heading) ? near : [heading, ...near]
    },
  })
  useEffect(() => {
    return () => {
      for (const [key, height] of virtualizer.itemSizeCache) heights.set(key, height)
    }
  }, [virtualizer])
  const stuck = headingOf(virtualizer.range?.startIndex ?? 0)
  return { virtualizer, shown: virtualizer.getVirtualItems(), stuck }
}

function useNextPage(
  { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage }: Properties['history'],
  near: boolean,
) {
  useEffect(() => {
    if (near && hasNextPage && !isFetching && !isFetchNextPageError) void fetchNextPage()
  }, [near, hasNextPage, isFetching, isFetchNextPageError, fetchNextPage])
}

/**
 * Keeps what is read where it is when something appears or goes above it; at the top, what is new is simply there.
 * Returns how many have come above since.
 */
function useStillUnderChanges(virtualizer: Virtualizer, rows: Row[]): number {
  const before = useRef<{ rows: Row[]; key: unknown; start: number } | null>(null)
  const [unseen, setUnseen] = useState(0)
  useLayoutEffect(() => {
    const last = before.current
    if (last !== null && last.rows !== rows && scrollY > virtualizer.options.scrollMargin) {
      const moved = virtualizer.measurementsCache.find(({ key }) => key === last.key)
      if (moved !== undefined && moved.start !== last.start) {
        scrollBy({ top: moved.start - last.start, behavior: 'instant' })
        setUnseen((count) => Math.max(0, count + entries(rows) - entries(last.rows)))
      }
    }
  }, [virtualizer, rows])
  useLayoutEffect(() => {
    const onTop = virtualizer.measurementsCache.find(({ end }) => end > scrollY + HEADING_PX)
    before.current = onTop === undefined ? null : { rows, key: onTop.key, start: onTop.start }
  })
  useEffect(() => {
    const atTop = () => scrollY <= virtualizer.options.scrollMargin && setUnseen(0)
    addEventListener('scroll', atTop, { passive: true })
    return () => removeEventListener('scroll', atTop)
  }, [virtualizer])
  return unseen
}

/** `J` and `K` go from entry to entry. Returns what an entry needs for it. */
function useMovingFocus(virtualizer: Virtualizer, rows: Row[], list: React.RefObject<HTMLElement | null>) {
  const [at, setAt] = useState<string | null>(null)
  const wanted = useRef<string | null>(null)
  const move = (step: 1 | -1) => {
    const here = rows.findIndex(({ key }) => key === at)
    const from = here === -1 ? (virtualizer.range?.startIndex ?? 0) - 1 : here
    const next = step === 1 ? rows.findIndex((row, index) => index > from && 'item' in row) : lastEntry(rows, from)
    const key = rows[next]?.key
    if (key === undefined) return
    wanted.current = key
    setAt(key)
    virtualizer.scrollToIndex(next, { align: 'auto' })
  }
  useShortcuts({ j: () => move(1), k: () => move(-1) })
  // It may come into the page only after the scroll.
  useEffect(() => {
    const entry = wanted.current && list.current?.querySelector<HTMLElement>(`[data-key="${wanted.current}"]`)
    if (!entry) return
    wanted.current = null
    entry.focus({ preventScroll: true })
  })
  return (key: string) => ({ tabIndex: key === at ? 0 : -1, onFocus: () => setAt(key) })
}

function entries(rows: Row[]): number {
  return rows.filter((row) => 'item' in row).length
}

function lastEntry(rows: Row[], before: number): number {
  return rows.findLastIndex((row, index) => index < before && 'item' in row)
}

const print = matchMedia('print')

/** A printed page has no window to scroll: all that is loaded is on it. */
function usePrinting(): boolean {
  return useSyncExternalStore(
    (listener) => {
      print.addEventListener('change', listener)
      return () => print.removeEventListener('change', listener)
    },
    () => print.matches,
  )
}
