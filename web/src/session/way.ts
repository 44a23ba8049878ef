import { createContext, use } from 'react'
import { configuration } from '../app/configuration'
import type { SessionModule } from './session'

/** Loads how members sign in here. It is there before anything is shown, because every page waits for it. */
export function loadWay(): Promise<SessionModule> {
  return configuration.clerk_publishable_key ? import('./clerk') : import('./stand_in')
}

export const WayContext = createContext<SessionModule | null>(null)

/** How members sign in here. */
export function useWay(): SessionModule {
  const way = use(WayContext)
  if (way === null) throw new Error('not inside <WayContext>')
  return way
}
