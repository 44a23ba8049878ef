import type { ComponentProps, KeyboardEvent, Ref } from 'react'

interface Properties extends Omit<ComponentProps<'textarea'>, 'value' | 'onChange'> {
  value: string
  onChange: (value: string) => void
  /** Enter; with Shift it breaks the line. */
  onEnter: () => void
  onEscape?: () => void
  ref?: Ref<HTMLTextAreaElement>
}

/** One line that grows with what is typed or pasted, and keeps its line breaks. */
export function Line({ value, onChange, onEnter, onEscape, ...others }: Properties) {
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return // Enter chooses a word of an input method
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      onEnter()
    } else if (event.key === 'Escape' && onEscape) {
      event.preventDefault()
      onEscape()
    }
  }
  return (
    <span className="line" data-text={value}>
      <textarea
        rows={1}
        dir="auto"
        enterKeyHint="done"
        spellCheck
        {...others}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={pressed}
      />
    </span>
  )
}
