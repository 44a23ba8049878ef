import { useEffect, useState } from 'react'
import { useMembers } from '../api/queries'
import { now } from '../live/clock'
import type { ExpectationRow } from '../live/changes'
import { useChanges } from '../live/live'
import { useLanguage, useWords, type Words } from '../words/words'
import { Announcer, summary, type Heard } from './announcements'
import { moment } from './due'

const EVERY_MS = 2000
const LONGEST_TITLE = 80

/** Tells a screen reader of others' changes, when it has time. */
export function Spoken({ me }: { me: string }) {
  const words = useWords()
  const language = useLanguage()
  const members = useMembers().data
  const [heard, setHeard] = useState<Heard[]>([])
  const [announcer] = useState(() => new Announcer(setHeard, EVERY_MS))
  useEffect(() => () => announcer.stop(), [announcer])
  useChanges((change) => {
    if (change.table !== 'expectations') return
    const deleted = change.eventType === 'DELETE'
    const row = deleted ? change.old : change.new
    const name = members?.find(({ id }) => id === row.user_id)?.name
    if (name === undefined || row.user_id === me) return
    announcer.hear({ userId: row.user_id, name, sentence: sentence(name, row, deleted, language, words) })
  })
  return (
    <p className="visually-hidden" aria-live="polite">
      {summary(heard, words.team)}
    </p>
  )
}

function sentence(name: string, row: ExpectationRow, deleted: boolean, language: string, words: Words): string {
  const title = row.title.length > LONGEST_TITLE ? `${row.title.slice(0, LONGEST_TITLE)}…` : row.title
  if (deleted) return words.team.nowNothing(name)
  if (row.is_done) return words.team.nowFinished(name, title)
  if (row.estimated_completion === null) return words.team.nowOn(name, title)
  return words.team.nowOnUntil(name, title, moment(Date.parse(row.estimated_completion), now(), language, words.time))
}
