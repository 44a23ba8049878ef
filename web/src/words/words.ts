/** The page's texts in the reader's language. A language is a folder with the same keys as `en`; a missing one does not compile. */
import { useSyncExternalStore } from 'react'
import { en } from './en'

export type Words = typeof en

const LANGUAGES: Record<string, () => Promise<Words>> = {
  en: () => Promise.resolve(en),
  de: async () => (await import('./de')).de,
}
export const languages = Object.keys(LANGUAGES)

let words: Words = en
let language = 'en'
const listeners = new Set<() => void>()

/** Show the page in this language, or in the first of the browser's that there is. Dates keep the reader's region. */
export async function loadWords(chosen: string | null): Promise<void> {
  const wanted = chosen === null ? navigator.languages : [chosen, ...navigator.languages]
  const tags = wanted.map((tag) => ({ tag, base: tag.split('-', 1)[0] ?? '' }))
  const found = tags.find(({ base }) => base in LANGUAGES) ?? { tag: 'en', base: 'en' }
  words = (await LANGUAGES[found.base]?.()) ?? en
  language = tags.find(({ tag, base }) => base === found.base && tag.includes('-'))?.tag ?? found.base
  document.documentElement.lang = language
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useWords(): Words {
  return useSyncExternalStore(subscribe, () => words)
}

/** The language tag for `Intl`. */
export function useLanguage(): string {
  return useSyncExternalStore(subscribe, () => language)
}
