import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useLanguage } from '../words/words'

const readerQuery = (language: string) =>
  queryOptions({
    queryKey: ['time-reader', language.split('-', 1)[0]],
    queryFn: async () => (await import('./natural_time')).loadReader(language),
    staleTime: Infinity,
    gcTime: Infinity,
    structuralSharing: false,
    networkMode: 'always', // it may be in the browser's cache
    retry: false,
  })

/** Reads times in the viewer's language; undefined until it is loaded. `load` waits for it. */
export function useReader() {
  const cache = useQueryClient()
  const language = useLanguage()
  const reader = useQuery(readerQuery(language)).data
  // Without it a line is a title, which is better than no line.
  const load = () => cache.query(readerQuery(language)).catch(() => undefined)
  return { reader, load }
}
