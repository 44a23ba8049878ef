import { useMutation, useQueryClient } from '@tanstack/react-query'
import { data } from '../api/client'
import { keys } from '../api/queries'
import type { components } from '../api/schema'
import type { Me } from '../api/types'
import { useApi } from '../app/providers'
import { useShowProblem } from '../ui/problems'

export type MeChange = components['schemas']['MeChange']

/** Change the member's own settings: shown at once, and taken back with words when the server did not take it. */
export function useChangeMe() {
  const api = useApi()
  const cache = useQueryClient()
  const showProblem = useShowProblem()
  return useMutation({
    scope: { id: 'me' }, // one after another: each answer has all settings
    mutationFn: (change: MeChange) => data(api.PATCH('/api/v1/me', { body: change })),
    onMutate: async (change) => {
      await cache.cancelQueries({ queryKey: keys.me })
      cache.setQueryData<Me>(keys.me, (me) => me && changed(me, change))
    },
    onSuccess: (me) => {
      if (cache.isMutating({ predicate: ({ options }) => options.scope?.id === 'me' }) === 1) {
        cache.setQueryData<Me>(keys.me, me)
      }
    },
    onError: (error) => {
      showProblem(error)
      return cache.invalidateQueries({ queryKey: keys.me })
    },
  })
}

/** The member as they are with the change: what it leaves out stays. */
function changed(me: Me, { timezone, notifications }: MeChange): Me {
  return {
    ...me,
    timezone: timezone ?? me.timezone,
    notifications: { ...me.notifications, ...(notifications as Partial<Me['notifications']> | undefined) },
  }
}
