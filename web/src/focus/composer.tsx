/** The line to say what I am on: what of it is a time is shown before it is sent. */
import { CornerDownLeft, X } from 'lucide-react'
import { useId, useImperativeHandle, useRef, useState, type Ref } from 'react'
import { Button } from 'react-aria-components'
import { now, useNow } from '../live/clock'
import { duration } from '../ui/durations'
import type { Draft } from '../live/pending'
import { useLanguage, useWords } from '../words/words'
import { Line } from './line'
import { isSamePick, quickPicks, timeOf, type Pick } from './picks'
import { useReader } from './reader'
import { ChooseTime } from './choose_time'
import { charactersLeft, titleOf } from './title'
import { whenWords } from './when'
import type { Reader } from './natural_time'
import type { Refusal } from './refusal'

export interface ComposerHandle {
  focus: () => void
}

interface Properties {
  publish: (title: string, at: Date | null, draft: Draft) => void
  /** Why the last one was refused, until something is typed. */
  refusal: Refusal | null
  /** Id of what asks the question. */
  labelledBy: string
  /** What was typed and chosen before, when it was refused. */
  draft?: Draft | undefined
  autoFocus: boolean
  ref?: Ref<ComposerHandle>
}

export function Composer({ publish, refusal, labelledBy, draft: before, autoFocus, ref }: Properties) {
  const words = useWords()
  const id = useId()
  const field = useRef<HTMLTextAreaElement>(null)
  useImperativeHandle(ref, () => ({ focus: () => field.current?.focus() }))
  const draft = useDraft(before)
  const { title, left } = draft
  const [isEmpty, setEmpty] = useState(false)
  const tooLong = left !== null && left < 0

  const send = async () => {
    const last = await draft.final()
    if (last.title === '') {
      setEmpty(true)
      field.current?.focus()
    } else if (!tooLong && !refusal?.wait)
      publish(last.title, last.at, { text: draft.text, pick: draft.pick, kept: draft.kept })
  }
  const changed = (text: string) => {
    setEmpty(false)
    if (!refusal?.wait) refusal?.dismiss()
    draft.type(text)
  }
  const error = isEmpty ? words.focus.empty : tooLong ? words.focus.tooLong(-left) : refusal?.text
  return (
    <form
      className="composer"
      data-filled={draft.text !== '' || undefined}
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <div className="composer-line">
        <Line
          ref={field}
          value={draft.text}
          onChange={changed}
          onEnter={() => void send()}
          aria-labelledby={labelledBy}
          aria-describedby={`${id}-when ${id}-error`}
          aria-invalid={error !== undefined || undefined}
          placeholder={words.focus.placeholder}
          autoFocus={autoFocus}
        />
        <Button className="button main" type="submit" isDisabled={tooLong || Boolean(refusal?.wait)}>
          <CornerDownLeft className="icon" aria-hidden /> <span>{words.focus.publish}</span>
        </Button>
      </div>
      <div className="composer-below">
        <div className="composer-said">
          <Understood id={`${id}-when`} draft={draft} title={title} />
          <p id={`${id}-error`} className="error" role={error === undefined ? undefined : 'alert'}>
            {error}
          </p>
          {left !== null && left >= 0 && <p className="quiet small time">{words.focus.left(left)}</p>}
        </div>
        <Picks draft={draft} />
      </div>
    </form>
  )
}

type Drafted = ReturnType<typeof useDraft>

/** What is typed and chosen, and what it means. */
function useDraft(before: Draft | undefined) {
  const { reader, load } = useReader()
  const minute = useNow()
  const [text, setText] = useState(before?.text ?? '')
  const [pick, setPick] = useState<Pick | null>(before?.pick ?? null)
  const [kept, setKept] = useState(before?.kept ?? null)
  const understood = (read: Reader | undefined, time: number) => {
    const reading = read?.(text, new Date(time))
    const phrase = reading?.phrase === kept ? null : (reading?.phrase ?? null)
    const rest = phrase === null ? text : (reading?.title ?? text)
    const typed = phrase === null ? null : (reading?.at ?? null)
    return {
      // A time and nothing else is a title, too.
      title: titleOf(rest) || (pick ? '' : titleOf(text)),
      at: pick ? timeOf(pick, new Date(time)) : titleOf(rest) === '' ? null : typed,
      phrase,
      passed: pick === null && (reading?.passed ?? false),
    }
  }
  const shown = understood(reader, minute)
  return {
    ...shown,
    text,
    pick,
    kept,
    left: charactersLeft(shown.title),
    type: (next: string) => {
      setText(next)
      const phrase = reader?.(next, new Date(now())).phrase ?? null
      if (phrase !== null && phrase !== shown.phrase && phrase !== kept) setPick(null) // said last counts
      if (phrase === null) setKept(null)
    },
    choose: setPick,
    dropTime: () => (pick === null ? setKept(shown.phrase) : setPick(null)),
    /** As it is at this second, when it was typed faster than times could be read, too. */
    final: async () => understood(reader ?? (await load()), now()),
  }
}

function Understood({ id, draft, title }: { id: string; draft: Drafted; title: string }) {
  const words = useWords()
  const language = useLanguage()
  const minute = useNow()
  const at = draft.at
  const when = at && whenWords(at, new Date(minute), language, words.time)
  return (
    <p className="understood">
      {at !== null && title !== '' && (
        <>
          <span aria-hidden>→</span> <bdi className="understood-title">{title}</bdi> <span aria-hidden>·</span>
        </>
      )}
      <span id={id} role="status">
        {when && (
          <>
            <span className="visually-hidden">{words.focus.understood(when)}</span>
            <strong className="time" aria-hidden>
              {when}
            </strong>
          </>
        )}
        {draft.passed && <span className="quiet">{words.focus.passed}</span>}
      </span>
      {at !== null && (
        <Button
          className="button plain drop"
          aria-label={draft.pick ? words.focus.dropTime : words.focus.keepAsText}
          onPress={draft.dropTime}
        >
          <X className="icon" aria-hidden />
        </Button>
      )}
    </p>
  )
}

function Picks({ draft }: { draft: Drafted }) {
  const words = useWords()
  const language = useLanguage()
  const minute = new Date(useNow())
  const picks = quickPicks(minute)
  const label = (pick: Pick) =>
    'in' in pick ? duration(pick.in * 60_000, words.time) : whenWords(new Date(pick.at), minute, language, words.time)
  return (
    <div className="picks">
      <div className="chips" role="group" aria-label={words.focus.when}>
        {picks.map((pick) => {
          const chosen = isSamePick(draft.pick, pick)
          return (
            <Button
              key={label(pick)}
              className="chip"
              aria-pressed={chosen}
              onPress={() => draft.choose(chosen ? null : pick)}
            >
              {label(pick)}
            </Button>
          )
        })}
      </div>
      <ChooseTime at={draft.at} choose={(at) => draft.choose({ at: at.toISOString() })} />
    </div>
  )
}
