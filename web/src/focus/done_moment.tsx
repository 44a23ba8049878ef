import './done_moment.css'

/** A check drawn once, where the focus folds away. The toast says the same to screen readers. */
export function DoneMoment({ title, text }: { title: string; text: string }) {
  return (
    <div className="done-moment" aria-hidden>
      <span className="done-said">
        <svg viewBox="0 0 24 24" className="icon done-check">
          <circle cx="12" cy="12" r="10" pathLength="1" />
          <path d="m7.5 12.5 3 3 6-6.5" pathLength="1" />
        </svg>
        {text}
      </span>
      <span className="typed done-folding">{title}</span>
    </div>
  )
}
