import { ClerkProvider, SignIn as ClerkSignIn, useAuth, useReverification } from '@clerk/clerk-react'
import { useMemo, type ReactNode } from 'react'
import { configuration } from '../app/configuration'
import { SessionContext, type SessionState } from './session'

export function Provider({ children }: { children: ReactNode }) {
  const key = configuration.clerk_publishable_key
  if (key === null) throw new Error('there is no CLERK_PUBLISHABLE_KEY')
  return (
    <ClerkProvider publishableKey={key} afterSignOutUrl="/">
      <FromClerk>{children}</FromClerk>
    </ClerkProvider>
  )
}

function FromClerk({ children }: { children: ReactNode }) {
  const { isLoaded, userId, getToken, signOut } = useAuth()
  // Clerk asks for the factor when the function's result is this hint, then calls it again: the second time it says yes.
  const verify = useReverification(secondFactorNeeded())
  const state = useMemo((): SessionState => {
    if (!isLoaded) return 'loading'
    if (!userId) return 'signed-out'
    return {
      userId,
      token: (options) => getToken({ skipCache: options?.fresh ?? false }),
      signOut: () => signOut(),
      verify: () => verify().then(Boolean, () => false),
    }
  }, [isLoaded, userId, getToken, signOut, verify])
  return <SessionContext value={state}>{children}</SessionContext>
}

function secondFactorNeeded() {
  let asked = false
  return () => {
    asked = !asked
    return Promise.resolve(
      asked
        ? {
            clerk_error: {
              type: 'forbidden',
              reason: 'reverification-error',
              metadata: { reverification: { level: 'second_factor', afterMinutes: 10 } },
            },
          }
        : true,
    )
  }
}

export function SignIn({ returnTo }: { returnTo: string }) {
  return <ClerkSignIn routing="hash" fallbackRedirectUrl={returnTo} signUpFallbackRedirectUrl={returnTo} />
}
