/** The member's exports: files with all their expectations, made by a job and kept for a week. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { data, intent } from '../api/client'
import { keys } from '../api/queries'
import type { Export } from '../api/types'
import { useApi } from '../app/providers'
import { useShowProblem } from '../ui/problems'

const SHOWN = 20
const LOOK_AGAIN_MS = 1000

export type Format = Export['format']

export function isRunning({ status }: Export): boolean {
  return status === 'requested' || status === 'running'
}

/** Newest first; while one is made, how far it is. */
export function useExports() {
  const api = useApi()
  return useQuery({
    queryKey: keys.exports,
    queryFn: async ({ signal }) =>
      (await data(api.GET('/api/v1/exports', { params: { query: { limit: SHOWN } }, signal }))).items,
    refetchInterval: ({ state }) => (state.data?.some(isRunning) ? LOOK_AGAIN_MS : false),
  })
}

export function useAskForExport() {
  const api = useApi()
  const cache = useQueryClient()
  // One key until the server has answered: a click after a lost answer is the same wish.
  const key = useRef(intent())
  return useMutation({
    mutationFn: (format: Format) =>
      data(
        api.POST('/api/v1/exports', {
          body: { format },
          params: { header: { 'Idempotency-Key': `${key.current}-${format}` } },
        }),
      ),
    onSuccess: (made) => {
      key.current = intent()
      cache.setQueryData<Export[]>(keys.exports, (exports = []) => [
        made,
        ...exports.filter(({ id }) => id !== made.id),
      ])
    },
    onSettled: () => cache.invalidateQueries({ queryKey: keys.exports }),
  })
}

/** Download a file: its link lives for five minutes, so it is asked for when it is wanted. */
export function useOpenExport(): (id: string) => Promise<void> {
  const api = useApi()
  const showProblem = useShowProblem()
  return async (id) => {
    try {
      const { url } = await data(api.GET('/api/v1/exports/{export_id}', { params: { path: { export_id: id } } }))
      if (url !== null) location.assign(url) // a download: the page stays
    } catch (error) {
      showProblem(error)
    }
  }
}
