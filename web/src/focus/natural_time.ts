/**
 * The time in a line such as "fix the login bug by 5pm", in the viewer's zone. What might be a part of the title stays one:
 * a time is taken at the end, or at the beginning when a word or a mark sets it off, and only when it is to come.
 */
import type { Chrono, ParsedResult } from 'chrono-node'
import { atHour, isSameDay, shifted } from './days'
import { grammars, type Grammar } from './time_grammars'

/** Hours at which a bare "5" or "9" is meant, when both halves of the day are possible. */
const DAY_BEGINS = 7
const DAY_ENDS = 20
/** "Tomorrow" alone is the end of the working day, "tomorrow morning" not its first light. */
const DATE_ONLY_HOUR = 17
const MORNING_HOUR = 9

export interface Reading {
  /** The line without the time. */
  title: string
  at: Date | null
  /** What of the line the time is, as typed. */
  phrase: string | null
  /** It names a time that has passed, so it stays in the title. */
  passed: boolean
}

export type Reader = (text: string, now: Date) => Reading

/** Load the reader of a language; one without its own reads English. */
export async function loadReader(language: string): Promise<Reader> {
  const { chrono, grammar } = await grammars(language)
  chrono.parse('1:00') // compiles its patterns now, and not under the first letter that is typed
  return (text, now) => read(chrono, grammar, text, now)
}

interface Found {
  start: number
  end: number
  at: Date
  /** A time of the clock, and not "2 hours ago". */
  named: boolean
}

function read(chrono: Chrono, grammar: Grammar, text: string, now: Date): Reading {
  const results = chrono.parse(grammar.prepare(text), { instant: now }, { forwardDate: true })
  const found = [results.at(-1), results[0]]
    .map((result) => result && placed(result, grammar, text, now))
    .find((place) => place !== undefined)
  const nothing = { title: text, at: null, phrase: null }
  if (found === undefined) return { ...nothing, passed: false }
  if (found.at <= now) return { ...nothing, passed: found.named }
  const left = [text.slice(0, found.start), text.slice(found.end)].map((part) => part.replace(SEPARATORS, '').trim())
  const phrase = text.slice(found.start, found.end).trim()
  return { title: left.join(''), at: found.at, phrase, passed: false }
}

const SEPARATORS = /^\s*[:,;–—-]\s+|\s+[–—-]\s*$|[,;:(]\s*$/gu
const RESTS_AT_END = /^h?[\s.!,)]*$/u
const SET_OFF = /^\s*[:,;–—-]\s/u

/** Where the time is in the line, unless it may be a part of the title. */
function placed(result: ParsedResult, grammar: Grammar, text: string, now: Date): Found | undefined {
  const own = text.slice(result.index, result.index + result.text.length)
  const before = text.slice(0, result.index)
  const after = text.slice(result.index + own.length)
  const lead = grammar.lead.exec(before)?.[0] ?? ''
  const led = lead !== '' || grammar.ledItself.test(own)
  if (!isTime(result, own, led, grammar)) return undefined
  const start = result.index - lead.length
  if (!led && grammar.partOfTitle.test(before)) return undefined
  const atEnd = RESTS_AT_END.test(after)
  const atStart = before.slice(0, start).trim() === '' && (led || SET_OFF.test(after))
  if (!atEnd && !atStart) return undefined
  const tags = result.tags()
  const named = !tags.has('result/relativeDate') && !tags.has('casualReference/now') && result.start.isCertain('hour')
  return { start, end: atEnd ? text.length : result.index + own.length, at: meant(result, own, now), named }
}

/** A name of a month, an abbreviated weekday or a bare number of days may be anything. */
function isTime(result: ParsedResult, own: string, led: boolean, grammar: Grammar): boolean {
  const { start } = result
  if (start.isCertain('hour')) return true
  if (/\d/u.test(own) || own.trim().length <= grammar.longestAbbreviation) return led && knowsDay(start)
  if (knowsDay(start)) return true
  return (led || grammar.casual.test(own)) && [...result.tags()].some((tag) => CASUAL.test(tag))
}

const CASUAL = /^casualReference\/(morning|noon|afternoon|evening|tonight|midnight)/

function knowsDay(start: ParsedResult['start']): boolean {
  return start.isCertain('day') || start.isCertain('weekday')
}

function meant(result: ParsedResult, own: string, now: Date): Date {
  const time = result.end ?? result.start
  const at = time.date()
  if (!time.isCertain('hour')) return hourOfDay(result, at, now)
  const hour = time.get('hour') ?? 0
  const dayKnown = time.isCertain('day') || time.isCertain('weekday')
  if (at <= now && !dayKnown) return shifted(at, 1)
  const bareHour = !time.isCertain('meridiem') && hour >= 1 && hour <= 11 && !/\b0\d/u.test(own)
  if (!bareHour || result.tags().has('result/relativeDate')) return at
  const days = dayKnown ? [at] : [now, shifted(now, 1)]
  const candidates = days.flatMap((day) => [hour, hour + 12].map((each) => atHour(day, each, time.get('minute') ?? 0)))
  const coming = candidates.filter((candidate) => candidate > now)
  const sensible = coming.find((one) => one.getHours() >= DAY_BEGINS && one.getHours() <= DAY_ENDS)
  return sensible ?? coming[0] ?? at
}

/** A day without an hour, or with a part of the day. */
function hourOfDay(result: ParsedResult, at: Date, now: Date): Date {
  const tags = [...result.tags()]
  if (tags.includes('casualReference/morning')) return atHour(at, MORNING_HOUR, 0)
  if (tags.some((tag) => CASUAL.test(tag))) return at
  const evening = atHour(at, DATE_ONLY_HOUR, 0)
  const isToday = isSameDay(at, now)
  return isToday && evening <= now ? atHour(at, 23, 59) : evening
}
