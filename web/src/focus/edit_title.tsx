import { useId, useRef, useState } from 'react'
import { Button } from 'react-aria-components'
import { useWords } from '../words/words'
import { Line } from './line'
import { charactersLeft, titleOf } from './title'

interface Properties {
  title: string
  save: (title: string) => void
  cancel: () => void
}

/** The title where it stands, to be changed: Enter saves, Esc does not. */
export function EditTitle({ title: before, save, cancel }: Properties) {
  const words = useWords().focus
  const id = useId()
  const field = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState(before)
  const title = titleOf(text)
  const left = charactersLeft(title)
  const tooLong = left !== null && left < 0
  const error = title === '' ? words.empty : tooLong ? words.tooLong(-left) : null
  const submit = () => (error === null ? save(title) : field.current?.focus())
  return (
    <form
      className="edit-title"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <Line
        ref={field}
        value={text}
        onChange={setText}
        onEnter={submit}
        onEscape={cancel}
        onFocus={({ target }) => target.setSelectionRange(target.value.length, target.value.length)}
        aria-label={words.title}
        aria-describedby={id}
        aria-invalid={error !== null || undefined}
        autoFocus
      />
      <div className="focus-below">
        <p id={id} className={error === null ? 'quiet small time' : 'error'} role="status">
          {error ?? (left !== null && words.left(left))}
        </p>
        <div className="buttons">
          <Button className="button main" type="submit" isDisabled={error !== null}>
            {words.save}
          </Button>
          <Button className="button" onPress={cancel}>
            {words.cancel} <kbd aria-hidden>Esc</kbd>
          </Button>
        </div>
      </div>
    </form>
  )
}
