import { QueryClientProvider } from '@tanstack/react-query'
import { Outlet, useRouter } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { I18nProvider, RouterProvider as AriaRouter } from 'react-aria-components'
import { configuration } from './configuration'
import { queryClient } from './providers'
import { useLanguage } from '../words/words'

const SessionProvider = lazy(async () => ({
  default: configuration.clerk_publishable_key
    ? (await import('../session/clerk')).Provider
    : (await import('../session/stand_in')).Provider,
}))

/** Around every page: language, links that stay in the page, and who is signed in. */
export function Root() {
  const router = useRouter()
  const [cache] = useState(queryClient)
  return (
    <I18nProvider locale={useLanguage()}>
      <AriaRouter navigate={(to) => void router.navigate({ to })}>
        <QueryClientProvider client={cache}>
          <Suspense>
            <SessionProvider>
              <Outlet />
            </SessionProvider>
          </Suspense>
        </QueryClientProvider>
      </AriaRouter>
    </I18nProvider>
  )
}
