import { useEffect, useState } from 'react'
import { ApiError } from '../api/problem'
import { useWords } from '../words/words'
import { reason, useRefused } from './acts'
import type { Publish } from '../live/pending'

export interface Refusal {
  act: Publish
  error: unknown
  /** What happened, what is safe, what to do. */
  text: string
  /** Seconds until it may be tried again; 0 when it may be now. */
  wait: number
  /** Id of the active one that is in the way, if that is why. */
  active: string | null
  dismiss: () => void
}

/** Why what I published last was refused, in words, with the seconds counted down. */
export function useRefusal(): Refusal | null {
  const words = useWords()
  const refused = useRefused()
  const error = refused?.error
  const wait = useCountdown(error instanceof ApiError ? error : null)
  if (refused === null) return null
  const active = error instanceof ApiError && error.slug === 'active-expectation-exists' ? error.problem?.active : null
  const why =
    error instanceof ApiError && error.retryAfter !== null ? counted(error, wait, words) : reason(error, words)
  return {
    ...refused,
    text: words.focus.notSaved(why),
    wait,
    active: typeof active === 'string' ? active : null,
  }
}

function counted(error: ApiError, wait: number, words: ReturnType<typeof useWords>): string {
  const why = words.api.problems[error.slug] ?? words.api.unknown
  return wait > 0 ? `${why} ${words.api.waits(wait)}` : words.focus.nowPossible
}

function useCountdown(error: ApiError | null): number {
  const [counting, setCounting] = useState<{ error: ApiError; left: number } | null>(null)
  useEffect(() => {
    if (error?.retryAfter == null) return
    const until = performance.now() + error.retryAfter * 1000
    const count = () => setCounting({ error, left: Math.max(0, Math.ceil((until - performance.now()) / 1000)) })
    const timer = setInterval(count, 1000)
    return () => clearInterval(timer)
  }, [error])
  if (error === null) return 0
  return counting?.error === error ? counting.left : (error.retryAfter ?? 0)
}
