/** Single letters that act, as `?` lists them. Off inside fields and dialogs, and where the member switched them off. */
import { useEffect, useEffectEvent } from 'react'
import { preferences } from '../app/preferences'

/** What is pressed: a letter, or two after another such as `g f`; and what it does. */
export type Shortcuts = Record<string, () => void>

const PAIR_MS = 1000
let before = { key: '', at: 0 }

/** Act on these keys while the component is there. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const pressed = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !preferences().shortcuts) return
    if (isTyping(event.target)) return
    const key = event.key.toLowerCase()
    const pair = performance.now() - before.at < PAIR_MS ? `${before.key} ${key}` : ''
    const act = shortcuts[pair] ?? (before.key === 'g' && pair !== '' ? undefined : shortcuts[key])
    if (act === undefined) return
    event.preventDefault()
    act()
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => pressed(event)
    document.addEventListener('keydown', listener)
    return () => document.removeEventListener('keydown', listener)
  }, [])
}

// After every component has looked at the key.
window.addEventListener('keydown', (event) => {
  before = { key: isTyping(event.target) ? '' : event.key.toLowerCase(), at: performance.now() }
})

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return (
    target.isContentEditable ||
    ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) ||
    target.closest('[role=dialog], [role=alertdialog], [role=menu], [role=listbox], [role=spinbutton]') !== null
  )
}
