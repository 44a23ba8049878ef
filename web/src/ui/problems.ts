/** What went wrong with an act, in words: for a field, or as a toast where there is none. */
import { ApiError } from '../api/problem'
import { useWords } from '../words/words'
import { toast } from './toasts'

export function useProblemWords(): (error: unknown) => string {
  const words = useWords().api
  return (error) => {
    if (!(error instanceof ApiError)) return words.unknown
    const said = words.problems[error.slug] ?? error.problem?.detail ?? words.unknown
    return error.retryAfter === null ? said : `${said} ${words.waits(error.retryAfter)}`
  }
}

export function useShowProblem(): (error: unknown) => void {
  const words = useProblemWords()
  return (error) => void toast({ text: words(error), problem: true })
}
