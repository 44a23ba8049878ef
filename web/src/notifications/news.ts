/** What is announced to a member, in words, and where it leads. */
import type { QueryKey } from '@tanstack/react-query'
import { keys } from '../api/queries'
import type { Notification } from '../api/types'
import type { Announcement } from '../live/connection'
import type { Words } from '../words/words'

const MAX_TITLE_LETTERS = 80

export interface News {
  /** The same when it is announced again. */
  id: string
  title: string
  body: string
  /** What is not right any more in the cache. */
  changes: QueryKey
  act: { words: string; to: '/' | '/reports' } | { words: string; exportId: string } | null
  /** Listed among the notifications, so that it may be overlooked. */
  kept: boolean
}

/** The announcement as news; null when this page does not know it. */
export function newsOf({ event, payload }: Announcement, words: Words, language: string): News | null {
  const id = String(payload.id)
  const mine = words.notifications
  switch (event) {
    case 'reminder': {
      const told = payload as unknown as Notification
      const body = told.title === null ? mine.whatAreYouOn : shortened(told.title)
      const act = { words: mine.open, to: '/' as const }
      return { id, title: sentence(told, mine, language), body, changes: keys.notifications, act, kept: true }
    }
    case 'export.ready': {
      const act = { words: mine.download, exportId: id }
      return { id, title: mine.exportReady, body: mine.exportReadyBody, changes: keys.exports, act, kept: false }
    }
    case 'export.failed':
      return {
        id,
        title: mine.exportFailed,
        body: mine.exportFailedBody,
        changes: keys.exports,
        act: null,
        kept: false,
      }
    case 'report.ready': {
      const act = { words: mine.open, to: '/reports' as const }
      return { id, title: mine.reportReady, body: mine.reportReadyBody, changes: keys.reports, act, kept: false }
    }
    default:
      return null
  }
}

type Told = Pick<Notification, 'kind' | 'estimated_completion' | 'created_at'>

/** "Due at 16:00"; with the date where the time was on another day than the reminder. */
export function sentence(told: Told, words: Words['notifications'], language: string): string {
  if (told.kind === 'nothing-set' || told.estimated_completion === null) return words.nothingSet
  const estimate = new Date(told.estimated_completion)
  const sameDay = estimate.toDateString() === new Date(told.created_at).toDateString()
  const time = new Intl.DateTimeFormat(language, {
    timeStyle: 'short',
    ...(sameDay ? {} : { dateStyle: 'medium' }),
  }).format(estimate)
  return told.kind === 'due-soon' ? words.dueSoon(time) : words.overdue(time)
}

function shortened(title: string): string {
  const letters = [...new Intl.Segmenter().segment(title.replaceAll(/\s+/g, ' '))].map(({ segment }) => segment)
  return letters.length <= MAX_TITLE_LETTERS ? letters.join('') : `${letters.slice(0, MAX_TITLE_LETTERS - 1).join('')}…`
}
