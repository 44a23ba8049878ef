import type { ErrorComponentProps } from '@tanstack/react-router'
import { Failed } from '../ui/states'

/** Where a page broke: everything around it goes on. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  return (
    <div className="page">
      <Failed error={error} retry={reset} />
    </div>
  )
}
