import { QueryClientProvider } from '@tanstack/react-query'
import { Outlet, useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { I18nProvider, RouterProvider as AriaRouter } from 'react-aria-components'
import { queryClient } from './providers'
import { useWay } from '../session/way'
import { useLanguage } from '../words/words'

/** Around every page: language, links that stay in the page, and who is signed in. */
export function Root() {
  const router = useRouter()
  const [cache] = useState(queryClient)
  const { Provider } = useWay()
  return (
    <I18nProvider locale={useLanguage()}>
      <AriaRouter navigate={(to) => void router.navigate({ to })}>
        <QueryClientProvider client={cache}>
          <Provider>
            <Outlet />
          </Provider>
        </QueryClientProvider>
      </AriaRouter>
    </I18nProvider>
  )
}
