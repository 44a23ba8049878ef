import { AlarmClock, Check, Clock, Ellipsis, Pencil, Trash2, TriangleAlert } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button, Dialog, DialogTrigger, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components'
import type { Expectation } from '../api/types'
import { now, useNow } from '../live/clock'
import { due } from '../ui/durations'
import { useShortcuts } from '../ui/shortcuts'
import { useLanguage, useWords } from '../words/words'
import { useActs } from './acts'
import { EditTitle } from './edit_title'
import { MoveTime } from './move_time'
import { whenWords } from './when'

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
          <MenuTrigger>
            <Button className="button icon-only" aria-label={words.more}>
              <Ellipsis className="icon" aria-hidden />
            </Button>
            <Popover className="popover" placement="bottom end">
              <Menu className="menu" aria-label={words.more}>
                <MenuItem onAction={move}>
                  <AlarmClock className="icon" aria-hidden /> {words.move} <kbd aria-hidden>T</kbd>
                </MenuItem>
                <MenuItem onAction={() => withdraw(expectation)}>
                  <Trash2 className="icon" aria-hidden /> {words.remove}
                </MenuItem>
              </Menu>
            </Popover>
          </MenuTrigger>
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
  const Icon = state?.late ? TriangleAlert : Clock
  return (
    <div className="focus-due" data-late={state?.late || undefined}>
      <DialogTrigger isOpen={isOpen} onOpenChange={onOpenChange}>
        <Button
          className="button plain due"
          aria-label={when === null || state === null ? words.focus.setTime : words.focus.dueAt(when, state.text)}
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
        {/* The dialog has the name; the popover's own, the button's text, is content outside of every landmark. */}
        <Popover className="popover" placement="bottom start" aria-labelledby="">
          <Dialog className="move-time" aria-label={words.focus.moveTo}>
            <MoveTime estimate={estimate} move={move} />
          </Dialog>
        </Popover>
      </DialogTrigger>
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
