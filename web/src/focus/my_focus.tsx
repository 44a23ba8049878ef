import { useQuery } from '@tanstack/react-query'
import { CloudUpload } from 'lucide-react'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { data } from '../api/client'
import { keys, useFocus, useMe, useMembers } from '../api/queries'
import type { Expectation } from '../api/types'
import { useApi } from '../app/providers'
import { now } from '../live/clock'
import type { Draft } from '../live/pending'
import { useShortcuts } from '../ui/shortcuts'
import { Skeleton } from '../ui/states'
import { useWords } from '../words/words'
import { useActs, useWaiting } from './acts'
import { Composer, type ComposerHandle } from './composer'
import { Current } from './current'
import { DoneMoment } from './done_moment'
import { useRefusal, type Refusal } from './refusal'
import { punctuality } from './when'
import './focus.css'

const LABEL = 'my-focus'
const FINISHED_MS = 6000
const EXAMPLE_MS = 45 * 60_000

/** What I am on, or the line to say it in. */
export function MyFocus() {
  const focus = useFocus()
  const me = useMe().data
  if (focus.data === undefined || me === undefined) {
    // Who failed to load says so below, where the team is.
    return focus.isError ? null : <Loading />
  }
  return <Loaded mine={focus.data.items.find(({ user_id }) => user_id === me.id)} />
}

function Loaded({ mine }: { mine: Expectation | undefined }) {
  const words = useWords()
  const acts = useActs()
  const refusal = useRefusal()
  const composer = useRef<ComposerHandle>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const [finished, setFinished] = useState<{ title: string; text: string } | null>(null)
  const [said, setSaid] = useState('')
  const [atLoad, setAtLoad] = useState(true)
  const isSet = mine !== undefined
  useHeadingFocus(heading, isSet)
  useEffect(() => {
    const timer = setTimeout(() => setFinished(null), FINISHED_MS)
    return () => clearTimeout(timer)
  }, [finished])

  const publish = (title: string, at: Date | null, draft?: Draft) => {
    refusal?.dismiss()
    setFinished(null)
    setAtLoad(false)
    setSaid(words.focus.published(title))
    acts.publish(title, at, draft)
  }
  const complete = (expectation: Expectation) => {
    setAtLoad(false)
    setFinished({ title: expectation.title, text: punctuality(expectation, now(), words) })
    acts.complete(expectation)
  }
  useShortcuts(isSet ? {} : { n: () => composer.current?.focus() })

  return (
    <Frame>
      <h1 id={LABEL} ref={heading} tabIndex={-1} className={isSet ? 'focus-label' : 'focus-label ask'}>
        {isSet ? words.focus.mine : words.focus.ask}
      </h1>
      {!isSet && finished && <DoneMoment {...finished} />}
      {isSet ? (
        <>
          <Current
            expectation={mine}
            complete={complete}
            withdraw={(expectation) => {
              setFinished(null)
              setAtLoad(false)
              acts.withdraw(expectation)
            }}
          />
          {refusal && <InTheWay refusal={refusal} mine={mine} replace={acts.replace} />}
        </>
      ) : (
        <>
          <Composer
            key={refusal?.act.key}
            ref={composer}
            publish={publish}
            refusal={refusal}
            labelledBy={LABEL}
            draft={refusal?.act.draft}
            autoFocus={atLoad || refusal !== null}
          />
          <FirstDay publish={publish} />
        </>
      )}
      <Waiting />
      <p className="visually-hidden" role="status">
        {isSet && refusal === null && said}
      </p>
    </Frame>
  )
}

function Frame({ children }: { children: ReactNode }) {
  return (
    <section className="my-focus" aria-labelledby={LABEL}>
      {children}
    </section>
  )
}

/** What had the keyboard's focus is gone when a focus is set or done: it goes to the heading, where the letters act. */
function useHeadingFocus(heading: React.RefObject<HTMLHeadingElement | null>, isSet: boolean): void {
  const before = useRef(isSet)
  useEffect(() => {
    if (before.current === isSet) return
    before.current = isSet
    if (document.activeElement === null || document.activeElement === document.body) {
      heading.current?.focus({ preventScroll: true })
    }
  }, [heading, isSet])
}

function Loading() {
  return (
    <Frame>
      <h1 id={LABEL} className="focus-label">
        {useWords().focus.mine}
      </h1>
      <div className="focus-title">
        <Skeleton width="min(100%, 420px)" height={36} />
      </div>
      <div className="focus-below">
        <Skeleton width="min(100%, 280px)" height={36} />
      </div>
    </Frame>
  )
}

/** Somebody, mostly I in another window, was quicker. */
function InTheWay({
  refusal,
  mine,
  replace,
}: {
  refusal: Refusal
  mine: Expectation
  replace: (expectation: Expectation, by: Refusal['act']) => void
}) {
  const words = useWords().focus
  return (
    <div className="in-the-way" role="alert">
      <p>{refusal.active === null ? refusal.text : words.otherWindow}</p>
      <p className="typed quiet">{refusal.act.expectation.title}</p>
      <div className="buttons">
        <Button
          className="button"
          onPress={() => {
            refusal.dismiss()
            replace(mine, refusal.act)
          }}
        >
          {words.replace}
        </Button>
        <Button className="button" onPress={refusal.dismiss}>
          {words.keep}
        </Button>
      </div>
    </div>
  )
}

function Waiting() {
  const words = useWords().focus
  const waiting = useWaiting()
  return (
    <div role="status">
      {waiting && (
        <p className="focus-waiting">
          <CloudUpload className="icon" aria-hidden /> {words.waiting}
        </p>
      )}
    </div>
  )
}

/** What this is for, while the team is one member who has never said anything. */
function FirstDay({ publish }: { publish: (title: string, at: Date | null, draft?: Draft) => void }) {
  const words = useWords().focus
  const api = useApi()
  const alone = useMembers().data?.length === 1
  const history = useQuery({
    queryKey: [...keys.history, 'any'],
    queryFn: () => data(api.GET('/api/v1/expectations', { params: { query: { status: 'completed', limit: 1 } } })),
    enabled: alone,
  })
  if (!alone || history.data?.items.length !== 0) return null
  return (
    <p className="first-day">
      {words.firstDay}{' '}
      <Button className="button" onPress={() => publish(words.exampleTitle, new Date(now() + EXAMPLE_MS))}>
        {words.firstExample}
      </Button>
    </p>
  )
}
