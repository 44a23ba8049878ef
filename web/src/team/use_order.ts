import { useEffect, useEffectEvent, useLayoutEffect, useMemo, useRef, useState, type RefObject } from 'react'
import { useNow } from '../live/clock'
import { useChanges } from '../live/live'
import { useSession } from '../session/session'
import { heldIn, moveFrom, outline, spots, type Spots } from './motion'
import { arrange } from './order'
import type { Card } from './roster'

const NONE: ReadonlySet<string> = new Set()

/**
 * The cards of a list in their order, which moves them smoothly and never from under a pointer or the focus. Another
 * `view` (filter, search) is sorted anew.
 */
export function useOrder(cards: readonly Card[], view: string, list: RefObject<HTMLElement | null>) {
  const now = useNow()
  const [order, setOrder] = useState(() => ({ view, places: arrange([], cards, now, NONE) }))
  if (order.view !== view) setOrder({ view, places: arrange([], cards, now, NONE) })

  const before = useRef<Spots | null>(null)
  const settle = useEffectEvent(() => {
    if (list.current === null) return
    const places = arrange(order.places, cards, now, heldIn(list.current))
    if (places === order.places) return
    before.current = spots(list.current)
    setOrder({ view, places })
  })
  useEffect(() => {
    const frame = requestAnimationFrame(() => settle())
    return () => cancelAnimationFrame(frame)
  }, [cards, now])
  useEffect(() => {
    const element = list.current
    // By then the pointer or the focus is where it goes.
    const left = () => requestAnimationFrame(() => settle())
    const events = ['pointerover', 'pointerleave', 'focusout'] as const
    for (const event of events) element?.addEventListener(event, left)
    return () => {
      for (const event of events) element?.removeEventListener(event, left)
    }
  }, [list])
  useLayoutEffect(() => {
    if (before.current !== null && list.current !== null) moveFrom(list.current, before.current)
    before.current = null
  }, [order, list])

  const me = useSession().userId
  useChanges((change) => {
    if (change.table !== 'expectations' || list.current === null) return
    const { user_id } = change.eventType === 'DELETE' ? change.old : change.new
    if (user_id !== me) outline(list.current, user_id)
  })

  return useMemo(() => {
    const byId = new Map(cards.map((card) => [card.member.id, card]))
    return order.places.flatMap(({ id }) => byId.get(id) ?? [])
  }, [cards, order.places])
}
