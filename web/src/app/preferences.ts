/** What is chosen for this browser, not for the member. */
import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

export interface Preferences {
  theme: Theme
  /** BCP 47; null follows the browser. */
  language: string | null
  /** Whether single letters act (WCAG 2.1.4). */
  shortcuts: boolean
  /** Whether the browser shows reminders while the page is in the background. */
  browserNotifications: boolean
}

const KEY = 'preferences'
const DEFAULTS: Preferences = { theme: 'system', language: null, shortcuts: true, browserNotifications: false }
const listeners = new Set<() => void>()
let current = read()

function read(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>) }
  } catch {
    return DEFAULTS // storage is off, or somebody else's
  }
}

export function preferences(): Preferences {
  return current
}

export function prefer(change: Partial<Preferences>): void {
  current = { ...current, ...change }
  try {
    localStorage.setItem(KEY, JSON.stringify(current))
  } catch {
    // Storage is off: the choice holds until the page is closed.
  }
  showTheme()
  for (const listener of listeners) listener()
}

/** Light and dark follow the system unless one is chosen. */
export function showTheme(): void {
  if (current.theme === 'system') document.documentElement.removeAttribute('data-theme')
  else document.documentElement.dataset.theme = current.theme
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences)
}
