/** What an admin does with somebody else's focus. The server lets nobody take that back, so it is asked about before. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { keys } from '../api/queries'
import type { Expectation } from '../api/types'
import { useApi } from '../app/providers'
import { useSession } from '../session/session'
import { NotVerified, withSecondFactor } from '../session/step_up'
import { useProblemWords } from '../ui/problems'
import { toast } from '../ui/toasts'
import { useWords } from '../words/words'

export interface Act {
  kind: 'complete' | 'withdraw'
  expectation: Expectation
}

export function useActForOthers() {
  const api = useApi()
  const session = useSession()
  const cache = useQueryClient()
  const words = useWords().admin
  const problem = useProblemWords()
  return useMutation({
    mutationFn: ({ kind, expectation: { id, version } }: Act): Promise<unknown> => {
      // Only what the admin saw: it may have been changed a moment ago.
      const params = { path: { expectation_id: id }, header: { 'If-Match': `"${version}"` } }
      return withSecondFactor<unknown>(session, () =>
        kind === 'complete'
          ? api.POST('/api/v1/expectations/{expectation_id}/complete', { params })
          : api.DELETE('/api/v1/expectations/{expectation_id}', { params }),
      )
    },
    onSuccess: (_, { kind, expectation: { user } }) =>
      toast({ text: kind === 'complete' ? words.completed(user.name) : words.withdrawn(user.name) }),
    onError: (error) => {
      toast({ text: error instanceof NotVerified ? words.notVerified : problem(error), problem: true })
      return cache.invalidateQueries({ queryKey: keys.focus })
    },
  })
}
