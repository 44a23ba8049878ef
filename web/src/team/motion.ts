/** How cards move to another place, and how a change of somebody else's is seen. */
const MOVE_MS = 180
const OUTLINED_MS = 1500

export type Spots = Map<string, DOMRect>

function elements(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>('[data-member]')]
}

/** Where each card is on the screen. */
export function spots(list: HTMLElement): Spots {
  return new Map(elements(list).map((card) => [card.dataset.member ?? '', card.getBoundingClientRect()]))
}

/** Let every card that is elsewhere than `before` come from there; without movement for who asked for none. */
export function moveFrom(list: HTMLElement, before: Spots): void {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
  for (const card of elements(list)) {
    const from = before.get(card.dataset.member ?? '')
    const to = card.getBoundingClientRect()
    if (from === undefined || (from.x === to.x && from.y === to.y) || !(seen(from) || seen(to))) continue
    const away = `translate(${from.x - to.x}px, ${from.y - to.y}px)`
    card.animate([{ transform: away }, { transform: 'none' }], { duration: MOVE_MS, easing: 'ease-out' })
  }
}

function seen({ bottom, top }: DOMRect): boolean {
  return bottom > 0 && top < innerHeight
}

/** Outline a member's card for a moment. */
export function outline(list: HTMLElement, userId: string): void {
  const card = elements(list).find(({ dataset }) => dataset.member === userId)
  card?.animate({ opacity: [1, 1, 0] }, { duration: OUTLINED_MS, pseudoElement: '::after' })
}

/** Ids of the cards that must not move: a pointer is on them, or they have the focus. */
export function heldIn(list: HTMLElement): Set<string> {
  // After a tap, a touch screen leaves :hover where the finger was.
  const held = matchMedia('(hover: hover)').matches ? ':is(:hover, :focus-within)' : ':focus-within'
  const cards = list.querySelectorAll<HTMLElement>(`[data-member]${held}`)
  return new Set([...cards].map(({ dataset }) => dataset.member ?? ''))
}
