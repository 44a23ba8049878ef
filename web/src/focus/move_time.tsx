import { useId, useState } from 'react'
import { Button } from 'react-aria-components'
import { now, useNow } from '../live/clock'
import { duration } from '../ui/durations'
import { useLanguage, useWords } from '../words/words'
import { ChooseTime } from './choose_time'
import { Line } from './line'
import { laterPicks } from './picks'
import { useReader } from './reader'
import { whenWords } from './when'
import './move_time.css'

/** Says or picks another time; null for none. */
export function MoveTime({ estimate, move }: { estimate: string | null; move: (at: Date | null) => void }) {
  const words = useWords()
  const language = useLanguage()
  const minute = new Date(useNow())
  const id = useId()
  const { reader, load } = useReader()
  const [text, setText] = useState('')
  const [unknown, setUnknown] = useState(false)
  const at = reader?.(text, minute).at ?? null
  const send = async () => {
    const chosen = (reader ?? (await load()))?.(text, new Date(now())).at ?? null
    if (chosen === null) setUnknown(true)
    else move(chosen)
  }
  const when = (time: Date) => whenWords(time, minute, language, words.time)
  return (
    <>
      <form
        className="field"
        onSubmit={(event) => {
          event.preventDefault()
          void send()
        }}
      >
        <label htmlFor={id}>{words.focus.moveTo}</label>
        <div className="move-line">
          <Line
            id={id}
            value={text}
            onChange={(next) => {
              setUnknown(false)
              setText(next)
            }}
            onEnter={() => void send()}
            placeholder={words.focus.movePlaceholder}
            aria-describedby={`${id}-said`}
            aria-invalid={unknown || undefined}
            autoFocus
          />
          <ChooseTime at={at ?? (estimate === null ? null : new Date(estimate))} choose={move} />
        </div>
        <p id={`${id}-said`} className={unknown ? 'error' : 'quiet small'} role="status">
          {unknown ? words.focus.moveUnknown : at && `→ ${when(at)}`}
        </p>
      </form>
      <ul className="move-picks">
        {laterPicks(estimate, minute).map(({ minutes, at: time }) => (
          <li key={minutes}>
            <Button className="button plain" onPress={() => move(time)}>
              <span>
                {minutes === null
                  ? words.time.tomorrow
                  : estimate === null
                    ? words.time.in(duration(minutes * 60_000, words.time))
                    : words.focus.later(duration(minutes * 60_000, words.time))}
              </span>
              <span className="quiet time">{when(time)}</span>
            </Button>
          </li>
        ))}
        {estimate !== null && (
          <li>
            <Button className="button plain" onPress={() => move(null)}>
              {words.focus.noTime}
            </Button>
          </li>
        )}
      </ul>
    </>
  )
}
