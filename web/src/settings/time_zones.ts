/** The world's time zones, as a person looks for them. */

export interface TimeZone {
  /** In the IANA database. */
  id: string
  /** "Lisbon" of "Europe/Lisbon". */
  city: string
  /** "Europe"; empty for UTC. */
  region: string
  /** "UTC+1", now. */
  offset: string
  /** "Western European Standard Time", now. */
  name: string
}

const WHOLE = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
const FIELDS = ['year', 'month', 'day', 'hour', 'minute'] as const

/** All zones that this browser knows, and `own`, which it may not; by region and city. */
export function timeZones(own: string, language: string): TimeZone[] {
  const ids = new Set([...Intl.supportedValuesOf('timeZone'), 'UTC', own])
  return [...ids].map((id) => described(id, language)).sort((a, b) => a.id.localeCompare(b.id, language))
}

/** One formatter for both: making it is what takes the time, for 420 zones a tenth of a second. */
function described(id: string, language: string): TimeZone {
  const at = id.indexOf('/')
  const zone = {
    id,
    city: id
      .slice(at + 1)
      .replaceAll('_', ' ')
      .replaceAll('/', ', '),
    region: at < 0 ? '' : id.slice(0, at),
  }
  try {
    const format = new Intl.DateTimeFormat(language, {
      timeZone: id,
      timeZoneName: 'long',
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      ...WHOLE,
    })
    const now = Date.now()
    const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]))
    const [year, month, day, hour, minute] = FIELDS.map((field) => Number(parts[field]))
    const there = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute)
    return { ...zone, offset: offsetOf((there - now) / 60_000), name: parts.timeZoneName ?? '' }
  } catch {
    return { ...zone, offset: '', name: '' } // the server knows a zone that this browser does not
  }
}

function offsetOf(minutes: number): string {
  const quarters = Math.round(minutes / 15) * 15
  const [hours, rest] = [Math.floor(Math.abs(quarters) / 60), Math.abs(quarters) % 60]
  const clock = rest === 0 ? `${hours}` : `${hours}:${String(rest).padStart(2, '0')}`
  return quarters === 0 ? 'UTC' : `UTC${quarters < 0 ? '−' : '+'}${clock}`
}

/** Whether what was typed finds the zone: by city, region, offset or name, whatever the accents. */
export function finds(zone: TimeZone, typed: string): boolean {
  const text = plain(`${zone.id} ${zone.city} ${zone.offset} ${zone.name}`)
  return plain(typed)
    .split(/\s+/)
    .every((word) => text.includes(word))
}

function plain(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll('_', ' ').replaceAll('−', '-').toLowerCase().trim()
}

/** The zone that this browser is in; null where it does not say. */
export function browserTimeZone(): string | null {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone as string | undefined
  return zone === undefined || zone === 'Etc/Unknown' ? null : zone
}

/** "14:20" there, at that time. */
export function clockIn(timeZone: string, time: number, language: string): string {
  try {
    return new Intl.DateTimeFormat(language, { timeZone, timeStyle: 'short' }).format(time)
  } catch {
    return ''
  }
}
