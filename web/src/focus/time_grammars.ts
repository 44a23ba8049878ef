/** What each language adds to chrono's own rules. */
import type { Chrono } from 'chrono-node'

export interface Grammar {
  /** Words that belong to a time before it: "by", "until". */
  lead: RegExp
  /** A time that begins with such a word. */
  ledItself: RegExp
  /** What makes a time after it a part of the title: "slides for Friday", "the Monday meeting". */
  partOfTitle: RegExp
  /** Names of parts of a day that need no word before them. */
  casual: RegExp
  /** Letters of a weekday's abbreviation. */
  longestAbbreviation: number
  /** Puts words that chrono knows for those it does not, each as long as what it replaces. */
  prepare: (text: string) => string
}

export async function grammars(language: string): Promise<{ chrono: Chrono; grammar: Grammar }> {
  return language.split('-', 1)[0] === 'de' ? german() : english()
}

const padded = (word: string, replaced: string) => word.padEnd(replaced.length)

const ENGLISH: Grammar = {
  lead: /(?<=^|\s)(?:(?:due|done|ready)\s+)?(?:by|until|till|til|before|due|at|@|→|->)\s+(?:the\s+)?$/iu,
  ledItself: /^(?:at|by|until|till|before|on|in|within|for|this|next)\s/iu,
  partOfTitle:
    /(?:^|\s)(?:for|of|from|since|the|a|an|about|last|past|to|and|or|vs|with|in|our|my|every|each|between)\s+$/iu,
  casual: /\b(?:tonight|this|today|tomorrow|noon|midnight)\b/iu,
  longestAbbreviation: 4,
  prepare: (text) =>
    text
      .replace(/(?<=^|\s)(?:by|until|till|before)(?=\s+\d)/giu, (word) => padded('at', word))
      .replace(/(?<=(?:^|\s)at\s+\d{1,2})h(?=$|[\s.!,])/giu, ' '),
}

const GERMAN: Grammar = {
  lead: /(?<=^|\s)(?:(?:fertig|fällig)\s+)?(?:bis|vor|gegen|ab|→|->)\s+(?:spätestens\s+)?(?:zum\s+|um\s+|am\s+)?$/iu,
  ledItself: /^(?:um|bis|am|in|innerhalb|diese\p{L}*|nächste\p{L}*)\s/iu,
  partOfTitle:
    /(?:^|\s)(?:für|von|vom|seit|der|die|das|den|dem|des|ein\p{L}*|über|letzte\p{L}*|zu|zum|zur|und|oder|mit|guten|jede\p{L}*|am)\s+$/iu,
  casual: /(?:^|\s)(?:heute|morgen|mittags?|mitternacht)(?:$|\s)/iu,
  longestAbbreviation: 2,
  prepare: (text) =>
    text
      .replace(/(?<!\d\s*|uhr\s*)(?<=^|\s)bis(?=\s+\d)/giu, (word) => padded('um', word))
      .replace(/(?<=^|\s)eine[rm]? halben stunde/giu, (words) => '30' + 'min'.padStart(words.length - 2)),
}

async function english() {
  const { casual } = await import('chrono-node/en')
  const chrono = casual.clone()
  chrono.parsers.push({
    pattern: () => /(?<=^|\s)(?:eod|cob|end of (?:the )?(?:working )?day)(?=$|[\s.!,])/iu,
    extract: ({ refDate }) => endOfDay(refDate),
  })
  return { chrono, grammar: ENGLISH }
}

async function german() {
  const { casual } = await import('chrono-node/de')
  const chrono = casual.clone()
  chrono.parsers.push(
    { pattern: () => /(?<=^|\s)feierabend(?=$|[\s.!,])/iu, extract: ({ refDate }) => endOfDay(refDate) },
    {
      pattern: () => /(?<=^|\s)(?:um\s+)?halb\s+(\d{1,2})(?=$|[\s.!,])/iu,
      extract: (_, match) => {
        const hour = Number(match[1])
        return hour >= 1 && hour <= 12 ? { hour: hour - 1, minute: 30 } : null
      },
    },
  )
  return { chrono: chrono, grammar: GERMAN }
}

/** Today, without an hour: read as the end of the working day. */
function endOfDay(day: Date) {
  return { year: day.getFullYear(), month: day.getMonth() + 1, day: day.getDate() }
}
