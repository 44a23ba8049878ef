import { defaultRangeExtractor, useWindowVirtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useRef, useState, type CSSProperties, type RefObject } from 'react'
import { useWords } from '../words/words'
import { MemberCard } from './card'
import type { CardsProperties } from './cards'
import { useOrder } from './use_order'
import { useWalk } from './use_walk'

const ROW_PX = 64
const MIN_COLUMN_PX = 300
const MAX_COLUMNS = 4
/** Under the bar, that no card is brought to where it cannot be seen. */
const BAR_PX = 64

/** Rows of a team that does not fit: only those in sight are in the page. */
export function ManyCards({ cards, view, me, manages }: CardsProperties) {
  const list = useRef<HTMLUListElement>(null)
  const { columns, top } = useShape(list)
  const ordered = useOrder(cards, view, list)
  const at = useRef(-1)
  const rows = useWindowVirtualizer({
    count: Math.ceil(ordered.length / columns),
    estimateSize: () => ROW_PX,
    overscan: 2,
    scrollMargin: top,
    scrollPaddingStart: BAR_PX,
    scrollPaddingEnd: ROW_PX,
    // The card with the focus stays in the page wherever it is scrolled to.
    rangeExtractor: (range) => {
      const inSight = defaultRangeExtractor(range)
      const focused = Math.floor(at.current / columns)
      return at.current < 0 || inSight.includes(focused) ? inSight : [...inSight, focused].sort((a, b) => a - b)
    },
  })
  const walk = useWalk(
    ordered,
    list,
    () => columns,
    (index) => rows.scrollToIndex(Math.floor(index / columns)),
  )
  useLayoutEffect(() => {
    at.current = walk.at
  })
  const inPage = rows
    .getVirtualItems()
    .flatMap(({ index }) =>
      ordered.slice(index * columns, (index + 1) * columns).map((card, column) => ({ card, index, column })),
    )
  return (
    <ul
      ref={list}
      className="cards compact many"
      aria-label={useWords().team.title}
      style={{ height: rows.getTotalSize(), '--columns': columns } as CSSProperties}
      {...walk.listProps}
    >
      {inPage.map(({ card: { member, focus, last, here }, index, column }) => (
        <MemberCard
          key={member.id}
          member={member}
          focus={focus}
          last={last}
          here={here}
          mine={member.id === me}
          tabbable={member.id === walk.tabbable}
          compact
          manages={manages}
          row={index}
          column={column}
          position={index * columns + column + 1}
          size={ordered.length}
        />
      ))}
    </ul>
  )
}

/** How many columns there is room for, and where on the page the list begins. */
function useShape(list: RefObject<HTMLElement | null>): { columns: number; top: number } {
  const [shape, setShape] = useState({ columns: 1, top: 0 })
  useLayoutEffect(() => {
    const element = list.current
    if (element === null) return
    const look = () => {
      const columns = Math.max(1, Math.min(MAX_COLUMNS, Math.floor(element.clientWidth / MIN_COLUMN_PX)))
      const top = Math.round(element.getBoundingClientRect().top + scrollY)
      setShape((before) => (before.columns === columns && before.top === top ? before : { columns, top }))
    }
    look()
    const observer = new ResizeObserver(look)
    observer.observe(element)
    observer.observe(document.body) // what is above may grow
    return () => observer.disconnect()
  }, [list])
  return shape
}
