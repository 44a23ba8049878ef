import { CircleAlert, Clock } from 'lucide-react'
import { useNow } from '../live/clock'
import { due } from '../ui/durations'
import { useLanguage, useWords, type Words } from '../words/words'

const DAY_MS = 86_400_000

/** Until when, and how long that is; late is an icon and a word. */
export function Due({ estimate }: { estimate: string | null }) {
  const words = useWords()
  const language = useLanguage()
  const now = useNow()
  if (estimate === null) return <span className="due quiet">{words.team.noTime}</span>
  const { late, text } = due(estimate, now, words.time)
  const Icon = late ? CircleAlert : Clock
  return (
    <span className={late ? 'due is-late' : 'due'}>
      <Icon className="icon" aria-hidden />
      <time dateTime={estimate}>
        {!late && <span className="clock">{moment(Date.parse(estimate), now, language, words.time)} · </span>}
        {text}
      </time>
    </span>
  )
}

/** A time of today as the clock has it, of days around it with their name, of others with their date. */
export function moment(time: number, now: number, language: string, words: Words['time']): string {
  const clock = format(language, { timeStyle: 'short' }).format(time)
  const days = Math.round((midnight(time) - midnight(now)) / DAY_MS)
  if (days === 0) return clock
  if (days === 1) return `${words.tomorrow} ${clock}`
  if (days === -1) return `${words.yesterday} ${clock}`
  if (Math.abs(days) < 7) return `${format(language, { weekday: 'short' }).format(time)} ${clock}`
  return format(language, { day: 'numeric', month: 'short' }).format(time)
}

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0)
}

/** What the clocks show where a member is. */
export function TheirTime({ timezone }: { timezone: string }) {
  const words = useWords().team
  const time = format(useLanguage(), { timeStyle: 'short', timeZone: known(timezone) }).format(useNow())
  return <span className="their-time">{words.theirTime(time)}</span>
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Made once: making a format takes longer than all else about a card. */
function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${JSON.stringify(options)}`
  const made = formats.get(key) ?? new Intl.DateTimeFormat(language, options)
  formats.set(key, made)
  return made
}

const zones = new Map<string, string>()

/** The zone, or UTC where this browser is older than its name. */
function known(zone: string): string {
  const found = zones.get(zone)
  if (found !== undefined) return found
  let name = zone
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch {
    name = 'UTC'
  }
  zones.set(zone, name)
  return name
}
