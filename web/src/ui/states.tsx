/** What stands where something is not there yet, is not there at all, or did not come. */
import { CircleAlert, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { ApiError } from '../api/problem'
import { useWords } from '../words/words'
import './states.css'

/** A shape of what comes; shown after 150 ms. */
export function Skeleton({ width = '100%', height }: { width?: string | number; height: number }) {
  return <div className="skeleton" style={{ width, height }} aria-hidden />
}

/** Nothing to show, said so, with what to do about it. */
export function Empty({ icon: Icon, title, children }: { icon: LucideIcon; title: string; children?: ReactNode }) {
  return (
    <section className="state">
      <Icon className="icon" aria-hidden />
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** What happened, what is safe, what to do; a trace id where something of ours is broken. */
export function Failed({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const words = useWords().api
  const ours = !(error instanceof ApiError) || error.slug === 'unexpected'
  return (
    <section className="state" role="alert">
      <CircleAlert className="icon" aria-hidden />
      <h2>{ours ? words.oursTitle : words.failedTitle}</h2>
      <p>{ours ? words.ours : (words.problems[error.slug] ?? error.message)}</p>
      {ours && error instanceof ApiError && error.traceId && <p className="quiet">{words.quote(error.traceId)}</p>}
      {retry && (
        <Button className="button" onPress={retry}>
          {words.retry}
        </Button>
      )}
    </section>
  )
}
