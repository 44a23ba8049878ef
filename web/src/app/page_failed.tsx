import type { ErrorComponentProps } from '@tanstack/react-router'
import { RefreshCw } from 'lucide-react'
import { Button } from 'react-aria-components'
import { Empty, Failed } from '../ui/states'
import { useWords } from '../words/words'

/** Where a page broke: everything around it goes on. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  const words = useWords().shell
  return (
    <div className="page">
      {isMissingPart(error) ? (
        <Empty icon={RefreshCw} title={words.newVersionTitle}>
          <p>{words.newVersion}</p>
          <Button className="button main" onPress={() => location.reload()}>
            {words.reload}
          </Button>
        </Empty>
      ) : (
        <Failed error={error} retry={reset} />
      )}
    </div>
  )
}

/** A part of the page is not on the server any more, or did not come: each browser says it in its own words. */
function isMissingPart(error: unknown): boolean {
  return (
    error instanceof Error && /dynamically imported module|importing a module script|preload CSS/i.test(error.message)
  )
}
