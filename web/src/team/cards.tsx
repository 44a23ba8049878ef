import { useRef } from 'react'
import { MemberCard } from './card'
import { useWords } from '../words/words'
import type { Card } from './roster'
import { useOrder } from './use_order'
import { useWalk } from './use_walk'

export interface CardsProperties {
  cards: readonly Card[]
  /** Names the filter and search; see useOrder. */
  view: string
  /** Rows instead of cards. */
  compact: boolean
  me: string
  /** The viewer is an admin. */
  manages: boolean
}

/** All cards of a team that fits into the page. */
export function Cards({ cards, view, compact, me, manages }: CardsProperties) {
  const list = useRef<HTMLUListElement>(null)
  const ordered = useOrder(cards, view, list)
  const walk = useWalk(ordered, list, () => columnsOf(list.current))
  return (
    <ul
      ref={list}
      className={compact ? 'cards compact' : 'cards'}
      aria-label={useWords().team.title}
      {...walk.listProps}
    >
      {ordered.map(({ member, focus, last, here }) => (
        <MemberCard
          key={member.id}
          member={member}
          focus={focus}
          last={last}
          here={here}
          mine={member.id === me}
          tabbable={member.id === walk.tabbable}
          compact={compact}
          manages={manages}
        />
      ))}
    </ul>
  )
}

function columnsOf(list: HTMLElement | null): number {
  return list === null ? 1 : getComputedStyle(list).gridTemplateColumns.split(' ').length
}
