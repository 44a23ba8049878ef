import { useId, type ReactNode } from 'react'

/** Settings that belong together. `id` is where a link may lead. */
export function Section({
  id,
  title,
  intro,
  children,
}: {
  id: string
  title: string
  intro?: string
  children: ReactNode
}) {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {intro !== undefined && <p className="quiet">{intro}</p>}
      <div className="rows">{children}</div>
    </section>
  )
}

/** Names a control for who does not see where it stands. */
export interface Named {
  'aria-labelledby': string
  'aria-describedby': string | undefined
}

interface Properties {
  title: string
  hint?: ReactNode
  children: (named: Named) => ReactNode
}

/** One setting: what it is on one side, its control on the other. */
export function Row({ title, hint, children }: Properties) {
  const id = useId()
  const described = hint === undefined ? undefined : `${id}-hint`
  return (
    <div className="row">
      <div>
        <div id={id} className="name">
          {title}
        </div>
        {hint !== undefined && (
          <div id={described} className="quiet hint">
            {hint}
          </div>
        )}
      </div>
      <div className="control">{children({ 'aria-labelledby': id, 'aria-describedby': described })}</div>
    </div>
  )
}
