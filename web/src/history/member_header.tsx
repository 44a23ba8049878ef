import { Link } from '@tanstack/react-router'
import { X } from 'lucide-react'
import { useMembers } from '../api/queries'
import type { Expectation } from '../api/types'
import { Avatar } from '../ui/avatar'
import { useLanguage, useWords } from '../words/words'
import { onTime } from './outcome'

/**
 * Whose history it is, and how their estimates went in what is shown. While not all of it is loaded, the figures say of
 * how much they are.
 */
export function MemberHeader({ id, items, complete }: { id: string; items?: Expectation[]; complete: boolean }) {
  const words = useWords().history
  const members = useMembers().data
  const member = members?.find((each) => each.id === id) ?? items?.[0]?.user
  const name = member?.name ?? (members === undefined ? '' : words.formerMember)
  return (
    <header className="member-header">
      <Avatar id={id} name={name} url={member?.avatar_url ?? null} size={56} />
      <div>
        <h1>{name}</h1>
        <p className="quiet time">{items !== undefined && items.length > 0 && <Figures {...{ items, complete }} />}</p>
      </div>
      <Link
        to="/history"
        search={(search) => ({ ...search, member: undefined })}
        className="button plain no-print"
        aria-label={words.everybody}
      >
        <X className="icon" aria-hidden /> {words.everybody}
      </Link>
    </header>
  )
}

function Figures({ items, complete }: { items: Expectation[]; complete: boolean }) {
  const words = useWords().history
  const language = useLanguage()
  const counts = onTime(items)
  const share = new Intl.NumberFormat(language, { style: 'percent' }).format(counts.onTime / counts.estimated)
  const rate = counts.estimated === 0 ? words.nothingEstimated : words.onTime(share, counts.onTime, counts.estimated)
  return complete ? `${words.finished(items.length)} · ${rate}` : `${rate}, ${words.newest(items.length)}`
}
