import { memo, type CSSProperties } from 'react'
import type { Expectation, Member } from '../api/types'
import { now } from '../live/clock'
import { Avatar } from '../ui/avatar'
import { duration } from '../ui/durations'
import { useWords } from '../words/words'
import { CardMenu } from './card_menu'
import { Due, TheirTime } from './due'

interface Properties {
  member: Member
  focus: Expectation | null
  last: Expectation | null
  here: boolean
  /** It is the viewer's own. */
  mine: boolean
  /** Tab stops here; only one card of a list has it. */
  tabbable: boolean
  /** The viewer may act for others. */
  manages: boolean
  /** A row, which has no room for more than focus and time. */
  compact: boolean
  /** Where it stands in a list of which only a part is in the page. */
  row?: number | undefined
  column?: number | undefined
  position?: number | undefined
  size?: number | undefined
}

/** A member's card. It is one link, to their history. */
export const MemberCard = memo(function MemberCard(card: Properties) {
  const { member, focus, last, here, mine } = card
  const words = useWords()
  const about = `about-${member.id}`
  return (
    <li
      data-member={member.id}
      className={mine ? 'card mine' : 'card'}
      aria-posinset={card.position}
      aria-setsize={card.size}
      style={card.row === undefined ? undefined : ({ '--row': card.row, '--column': card.column } as CSSProperties)}
    >
      <Avatar id={member.id} name={member.name} url={member.avatar_url} size={32} here={here} />
      <span className="who">
        {/* The list goes there without a new page: a router's link for each card is what scrolling would wait for. */}
        <a
          href={`/history?member=${encodeURIComponent(member.id)}`}
          tabIndex={card.tabbable ? 0 : -1}
          aria-describedby={about}
        >
          {member.name}
        </a>
        {mine && <span className="you">{words.team.you}</span>}
        {here && <span className="visually-hidden">{words.team.hereNow}</span>}
      </span>
      <span className="about" id={about}>
        {focus === null ? (
          <Nothing last={last} />
        ) : (
          <>
            <span className="what typed" title={focus.title}>
              {focus.title}
            </span>
            <Due estimate={focus.estimated_completion} />
          </>
        )}
      </span>
      {card.manages && !mine && focus !== null && (
        <CardMenu focus={focus} name={member.name} tabbable={card.tabbable} />
      )}
      {!card.compact && <TheirTime timezone={member.timezone} />}
    </li>
  )
})

function Nothing({ last }: { last: Expectation | null }) {
  const words = useWords()
  return (
    <>
      <span className="what quiet">{words.team.nothingSet}</span>
      {last?.done_at && (
        <span className="due quiet last" title={last.title}>
          <span>{words.team.last(last.title, since(last.done_at, words.time))}</span>
        </span>
      )}
    </>
  )
}

/** "just now", "40 min ago". */
export function since(time: string, words: ReturnType<typeof useWords>['time']): string {
  const span = now() - Date.parse(time)
  return span < 60_000 ? words.justNow : words.ago(duration(span, words))
}
