import { AlarmClock, Check, Clock, Ellipsis, Pencil, Trash2, TriangleAlert } from 'lucide-react'
import { lazy, Suspense, useRef, useState } from 'react'
import { Button } from 'react-aria-components'
import type { Expectation } from '../api/types'
import { now, useNow } from '../live/clock'
import { due } from '../ui/durations'
import { MenuButton } from '../ui/menu_button'
import { useShortcuts } from '../ui/shortcuts'
import { useLanguage, useWords } from '../words/words'
import { useActs } from './acts'
import { EditTitle } from './edit_title'
import { MoveTime } from './move_time'
import { whenWords } from './when'

const Popup = lazy(() => import('../ui/popup'))
/** From here on it is set smaller. */
const LONG_TITLE = 120

/** The focus that is set: title, until when, and what can be done with it. */
export function Current({
  expectation,
  complete,
  withdraw,
}: {
  expectation: Expectation
  complete: (expectation: Expectation) => void
  withdraw: (expectation: Expectation) => void
}) {
  const words = useWords().focus
  const acts = useActs()
  const [editing, setEditing] = useState(false)
  const [moving, setMoving] = useState(false)
  const editButton = useRef<HTMLButtonElement>(null)
  const edit = () => setEditing(true)
  const move = () => setMoving(true)
  useShortcuts(editing ? {} : { d: () => complete(expectation), e: edit, n: edit, t: move })
  const close = () => {
    setEditing(false)
    requestAnimationFrame(() => editButton.current?.focus())
  }
  if (editing) {
    return (
      <EditTitle
        title={expectation.title}
        cancel={close}
        save={(title) => {
          if (title !== expectation.title) acts.rename(expectation, title)
          close()
        }}
      />
    )
  }
  return (
    <>
      <p className="focus-title typed" data-long={expectation.title.length > LONG_TITLE || undefined}>
        {expectation.title}
      </p>
      <div className="focus-below">
        <DueTime expectation={expectation} isOpen={moving} onOpenChange={setMoving} />
        <div className="buttons">
          <Button className="button main" onPress={() => complete(expectation)} aria-keyshortcuts="d">
            <Check className="icon" aria-hidden /> {words.complete} <kbd aria-hidden>D</kbd>
          </Button>
          <Button className="button" onPress={edit} ref={editButton} aria-keyshortcuts="e">
            <Pencil className="icon" aria-hidden /> {words.edit} <kbd aria-hidden>E</kbd>
          </Button>
          <MenuButton
            label={words.more}
            className="button icon-only"
            acts={[
              { icon: AlarmClock, words: words.move, shortcut: 'T', act: move },
              { icon: Trash2, words: words.remove, act: () => withdraw(expectation) },
            ]}
          >
            <Ellipsis className="icon" aria-hidden />
          </MenuButton>
        </div>
      </div>
    </>
  )
}

/** Until when, how long that is, and how much of the time has passed; pressed, the time is moved. */
function DueTime({
  expectation,
  isOpen,
  onOpenChange,
}: {
  expectation: Expectation
  isOpen: boolean
  onOpenChange: (open: boolean) => void
}) {
  const words = useWords()
  const language = useLanguage()
  const minute = useNow()
  const acts = useActs()
  const estimate = expectation.estimated_completion
  const state = estimate === null ? null : due(estimate, minute, words.time)
  const when = estimate === null ? null : whenWords(new Date(estimate), new Date(minute), language, words.time)
  const move = (at: Date | null) => {
    onOpenChange(false)
    acts.move(expectation, at)
  }
  const button = useRef<HTMLButtonElement>(null)
  const Icon = state?.late ? TriangleAlert : Clock
  return (
    <div className="focus-due" data-late={state?.late || undefined}>
      <Button
        ref={button}
        className="button plain due"
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        aria-label={when === null || state === null ? words.focus.setTime : words.focus.dueAt(when, state.text)}
        onPress={() => onOpenChange(true)}
      >
        <Icon className="icon" aria-hidden />
        {when === null || state === null ? (
          words.focus.setTime
        ) : (
          <span className="time">
            {when} · <strong>{state.text}</strong>
          </span>
        )}
      </Button>
      {isOpen && (
        <Suspense>
          <Popup label={words.focus.moveTo} className="move-time" button={button} close={() => onOpenChange(false)}>
            <MoveTime estimate={estimate} move={move} />
          </Popup>
        </Suspense>
      )}
      <div className="passed" aria-hidden>
        {estimate !== null && <div style={{ scale: `${passed(expectation, estimate)} 1` }} />}
      </div>
    </div>
  )
}

/** Share of the time that has passed, 0 to 1: no statement about the work. */
function passed({ created_at: created }: Expectation, estimate: string): number {
  const began = Date.parse(created)
  const span = Date.parse(estimate) - began
  return span <= 0 ? 1 : Math.min(1, Math.max(0, (now() - began) / span))
}
