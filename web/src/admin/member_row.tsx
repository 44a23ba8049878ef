import { Link } from '@tanstack/react-router'
import { AlarmClock, Check, CircleDashed, Clock, Ellipsis, ShieldCheck, Trash2 } from 'lucide-react'
import { Button, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components'
import type { Expectation, Member } from '../api/types'
import { useNow } from '../live/clock'
import { clockIn } from '../settings/time_zones'
import { Avatar } from '../ui/avatar'
import { due } from '../ui/durations'
import { useLanguage, useWords } from '../words/words'
import type { Act } from './acts'

interface Properties {
  member: Member
  expectation: Expectation | undefined
  /** Whether it is known what everybody is on. */
  known: boolean
  here: boolean
  mine: boolean
  /** For who may act on what this member is on. */
  act: ((act: Act) => void) | undefined
}

export function MemberRow({ member, expectation, known, here, mine, act }: Properties) {
  const words = useWords()
  const language = useLanguage()
  const now = useNow()
  const joined = new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(Date.parse(member.joined_at))
  return (
    <li className="member">
      <Avatar id={member.id} name={member.name} url={member.avatar_url} size={40} here={here} />
      <div className="who">
        <div>
          <Link to="/history" search={{ member: member.id }} className="typed">
            {member.name}
          </Link>
          {mine && <span className="quiet"> {words.admin.you}</span>}
          {member.role === 'admin' && (
            <span className="badge">
              <ShieldCheck className="icon" aria-hidden /> {words.session.admin}
            </span>
          )}
        </div>
        <div className="quiet small">{here ? words.admin.here : words.admin.away}</div>
      </div>
      <div className="on">{expectation ? <On expectation={expectation} /> : known && <Free />}</div>
      <div className="where small">
        <span className="time">{clockIn(member.timezone, now, language)}</span>
        <span className="quiet">{member.timezone.replaceAll('_', ' ')}</span>
      </div>
      <div className="joined small quiet">{words.admin.joined(joined)}</div>
      <div className="acts">{act && expectation && <Acts expectation={expectation} act={act} />}</div>
    </li>
  )
}

function On({ expectation: { title, estimated_completion: estimate } }: { expectation: Expectation }) {
  const words = useWords().time
  const now = useNow()
  const when = estimate === null ? null : due(estimate, now, words)
  return (
    <>
      <span className="typed title">{title}</span>
      {when && (
        <span className={when.late ? 'small late' : 'small quiet'}>
          {when.late ? <AlarmClock className="icon" aria-hidden /> : <Clock className="icon" aria-hidden />} {when.text}
        </span>
      )}
    </>
  )
}

function Free() {
  const words = useWords().admin
  return (
    <span className="quiet">
      <CircleDashed className="icon" aria-hidden /> {words.nothingSet}
    </span>
  )
}

function Acts({ expectation, act }: { expectation: Expectation; act: (act: Act) => void }) {
  const words = useWords().admin
  const { name } = expectation.user
  return (
    <MenuTrigger>
      <Button className="button plain" aria-label={words.acts(name)}>
        <Ellipsis className="icon" aria-hidden />
      </Button>
      <Popover className="popover" placement="bottom end">
        <Menu className="menu" aria-label={words.acts(name)}>
          <MenuItem onAction={() => act({ kind: 'complete', expectation })}>
            <Check className="icon" aria-hidden /> {words.complete}
          </MenuItem>
          <MenuItem onAction={() => act({ kind: 'withdraw', expectation })}>
            <Trash2 className="icon" aria-hidden /> {words.withdraw}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
