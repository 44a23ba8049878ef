import { useState } from 'react'
import './avatar.css'

/** Dark enough for white letters (4.5:1). */
const COLOURS = [
  '#0f766e',
  '#9a3412',
  '#1d4ed8',
  '#86198f',
  '#3f6212',
  '#be123c',
  '#4338ca',
  '#854d0e',
  '#0369a1',
  '#6d28d9',
]

interface Properties {
  id: string
  name: string
  url: string | null
  size?: number
  /** Has a window open right now; whoever shows it says so in words, too. */
  here?: boolean
}

/** A member's picture; initials on the colour of their id while there is none. The name stands beside it. */
export function Avatar({ id, name, url, size = 36, here = false }: Properties) {
  const [broken, setBroken] = useState<string | null>(null)
  const style = { '--avatar-size': `${size}px`, background: COLOURS[hash(id) % COLOURS.length] } as React.CSSProperties
  return (
    <span className={here ? 'avatar here' : 'avatar'} style={style} aria-hidden>
      {url !== null && url !== broken ? (
        <img src={url} alt="" loading="lazy" onError={() => setBroken(url)} />
      ) : (
        initials(name)
      )}
    </span>
  )
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/)
  const [first, ...others] = words.map(firstLetter)
  return ((first ?? '') + (others.at(-1) ?? '')).toLocaleUpperCase() || '?'
}

/** As people count: an emoji of several code points is one. */
function firstLetter(word: string): string {
  return new Intl.Segmenter().segment(word)[Symbol.iterator]().next().value?.segment ?? ''
}

function hash(text: string): number {
  let value = 0
  for (const letter of text) value = (value * 31 + (letter.codePointAt(0) ?? 0)) >>> 0
  return value
}
