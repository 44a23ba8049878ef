import { useNavigate } from '@tanstack/react-router'
import {
  useLayoutEffect,
  useRef,
  useState,
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  type RefObject,
} from 'react'
import { useShortcuts } from '../ui/shortcuts'
import type { Card } from './roster'

/**
 * Through the cards by keys: `J` and `K` from anywhere, arrows from a card, Enter (or a click) to the member's history.
 * Tab goes to one of them only.
 * `columns` says how many stand side by side; `show` brings one into the page that may not be there yet.
 */
export function useWalk(
  cards: readonly Card[],
  list: RefObject<HTMLElement | null>,
  columns: () => number,
  show: (index: number) => void = () => undefined,
) {
  const [current, setCurrent] = useState<string | null>(null)
  const wanted = useRef<string | null>(null)
  const at = cards.findIndex(({ member }) => member.id === current)

  const focusWanted = () => {
    const id = wanted.current
    const card = id === null ? null : list.current?.querySelector<HTMLElement>(`[data-member=${CSS.escape(id)}] a`)
    if (!card) return
    wanted.current = null
    card.focus()
  }
  useLayoutEffect(focusWanted)

  const go = (index: number) => {
    const card = cards[Math.max(0, Math.min(index, cards.length - 1))]
    if (card === undefined) return
    wanted.current = card.member.id
    setCurrent(card.member.id)
    show(cards.indexOf(card))
    focusWanted()
  }

  useShortcuts({
    j: () => go(list.current?.contains(document.activeElement) ? at + 1 : Math.max(at, 0)),
    k: () => go(list.current?.contains(document.activeElement) ? at - 1 : Math.max(at, 0)),
  })
  const onKeyDown = (event: KeyboardEvent) => {
    const backwards = getComputedStyle(event.currentTarget).direction === 'rtl' ? -1 : 1
    const steps: Record<string, number> = {
      ArrowRight: backwards,
      ArrowLeft: -backwards,
      ArrowDown: columns(),
      ArrowUp: -columns(),
      Home: -at,
      End: cards.length - 1 - at,
    }
    const step = steps[event.key]
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return
    if (!(event.target instanceof HTMLAnchorElement)) return
    event.preventDefault()
    if (cards[at + step] !== undefined) go(at + step)
  }
  const onFocus = (event: FocusEvent<HTMLElement>) => {
    const id = event.target.closest<HTMLElement>('[data-member]')?.dataset.member
    if (id !== undefined) setCurrent(id)
  }
  const navigate = useNavigate()
  const onClick = (event: MouseEvent<HTMLElement>) => {
    const link = (event.target as Element).closest('a')
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    void navigate({ href: link.pathname + link.search })
  }
  return {
    tabbable: at === -1 ? (cards[0]?.member.id ?? null) : current,
    at,
    listProps: { onKeyDown, onFocus, onClick },
  }
}
