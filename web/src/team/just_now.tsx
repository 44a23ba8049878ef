import { Link } from '@tanstack/react-router'
import { Check } from 'lucide-react'
import type { Expectation } from '../api/types'
import { useNow } from '../live/clock'
import { duration } from '../ui/durations'
import { useWords, type Words } from '../words/words'
import { since } from './card'

const SHOWN = 5
const DAY_MS = 86_400_000

/** What the others finished today, newest first; all else is history. */
export function JustNow({ recent, me }: { recent: readonly Expectation[]; me: string }) {
  const words = useWords()
  const now = useNow()
  const newest = recent
    .filter(({ user_id, done_at }) => user_id !== me && done_at !== null && now - Date.parse(done_at) < DAY_MS)
    .slice(0, SHOWN)
  if (newest.length === 0) return null
  return (
    <section className="just-now">
      <h3>{words.team.justNow}</h3>
      <ul>
        {newest.map((item) => (
          <li key={item.id}>
            <Check className="icon" aria-hidden />
            <span>
              {words.team.finished(item.user.name)} <q className="typed">{item.title}</q>
            </span>
            <span className="quiet">
              {[outcome(item, words.time), since(item.done_at ?? '', words.time)].filter(Boolean).join(' · ')}
            </span>
          </li>
        ))}
      </ul>
      <Link to="/history" className="no-print">
        {words.team.wholeHistory}
      </Link>
    </section>
  )
}

/** "4 min early", where there was a time to be early for. */
function outcome({ estimated_completion, done_at }: Expectation, words: Words['time']): string | null {
  if (estimated_completion === null || done_at === null) return null
  const left = Date.parse(estimated_completion) - Date.parse(done_at)
  if (Math.abs(left) < 60_000) return words.onTime
  return left > 0 ? words.early(duration(left, words)) : words.late(duration(left, words))
}
