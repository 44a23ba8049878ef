/**
 * Who is signed in, whoever says so: Clerk (clerk.tsx) or the development stack's stand-in (stand_in.tsx).
 * Nothing else in the client knows which.
 */
import { createContext, use, type ComponentType, type ReactNode } from 'react'

export interface Session {
  userId: string
  /** The organization that the session acts in, where teams are organizations. */
  teamId: string | null
  /** A token that is good for the next call; null when the session has ended. */
  token: (options?: { fresh?: boolean }) => Promise<string | null>
  signOut: () => Promise<void>
  /** Have the member prove a second factor, which the tokens from then on say; resolves to false when they gave up. */
  verify: () => Promise<boolean>
}

export type SessionState = 'loading' | 'signed-out' | Session

export interface SessionModule {
  /** Keeps the session state for what is inside. */
  Provider: ComponentType<{ children: ReactNode }>
  /** The way in. `returnTo` is a path of this page. */
  SignIn: ComponentType<{ returnTo: string }>
  /** The member's teams, to choose one of, for sessions that act in none. */
  TeamChoice: ComponentType
}

export const SessionContext = createContext<SessionState>('loading')

export function useSessionState(): SessionState {
  return use(SessionContext)
}

/** The session of who is signed in; for what is shown to members only. */
export function useSession(): Session {
  const state = use(SessionContext)
  if (typeof state === 'string') throw new Error(`no session: ${state}`)
  return state
}
