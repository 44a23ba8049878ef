import {
  ClerkProvider,
  OrganizationList,
  SignIn as ClerkSignIn,
  useAuth,
  useClerk,
  useReverification,
} from '@clerk/clerk-react'
import { isClerkAPIResponseError, isReverificationCancelledError } from '@clerk/clerk-react/errors'
import type { ComponentProps, ReactNode } from 'react'
import { useEffect, useMemo, useState } from 'react'
import { useRouter } from '@tanstack/react-router'
import { configuration } from '../app/configuration'
import { useLanguage } from '../words/words'
import { SessionContext, type SessionState } from './session'

type Options = ComponentProps<typeof ClerkProvider>

/** Clerk's own parts in the colours of the page, light and dark. */
const APPEARANCE = {
  variables: {
    colorPrimary: 'var(--accent)',
    colorPrimaryForeground: 'var(--on-accent)',
    colorBackground: 'var(--surface-raised)',
    colorForeground: 'var(--text)',
    colorMutedForeground: 'var(--text-quiet)',
    colorNeutral: 'var(--text)',
    colorInput: 'var(--surface-raised)',
    colorInputForeground: 'var(--text)',
    colorDanger: 'var(--late)',
    colorSuccess: 'var(--done)',
    colorRing: 'var(--focus-ring)',
    fontFamily: 'var(--font)',
    borderRadius: '10px',
  },
} satisfies Options['appearance']

/** Clerk's texts by language; it speaks English by itself. */
const TEXTS: Record<string, () => Promise<Options['localization']>> = {
  de: async () => (await import('@clerk/localizations/de-DE')).deDE,
}

export function Provider({ children }: { children: ReactNode }) {
  const key = configuration.clerk_publishable_key
  if (key === null) throw new Error('there is no CLERK_PUBLISHABLE_KEY')
  const router = useRouter()
  const localization = useTexts()
  return (
    <ClerkProvider
      publishableKey={key}
      signInUrl="/sign-in"
      afterSignOutUrl="/"
      routerPush={(to) => router.navigate({ href: to })}
      routerReplace={(to) => router.navigate({ href: to, replace: true })}
      appearance={APPEARANCE}
      telemetry={false}
      {...(localization && { localization })}
    >
      <FromClerk>{children}</FromClerk>
    </ClerkProvider>
  )
}

function useTexts(): Options['localization'] {
  const language = useLanguage().split('-', 1)[0] ?? ''
  const [texts, setTexts] = useState<{ language: string; localization: Options['localization'] }>()
  useEffect(() => {
    void TEXTS[language]?.().then((localization) => setTexts({ language, localization }))
  }, [language])
  return texts?.language === language ? texts.localization : undefined
}

/**
 * What Clerk knows of the session. `useAuth` tells when it ends, here, in another window or at Clerk, and takes a
 * session with a task that is not done, such as choosing a team, for signed out: then SignIn shows the task.
 */
function FromClerk({ children }: { children: ReactNode }) {
  const { isLoaded, userId, orgId, getToken } = useAuth()
  const clerk = useClerk()
  const proveFactor = useReverification(askedOnce)
  const state = useMemo((): SessionState => {
    if (!isLoaded) return 'loading'
    if (!userId) return 'signed-out'
    const fresh = () => getToken({ skipCache: true })
    return {
      userId,
      teamId: orgId ?? null,
      token: (options) => (options?.fresh ? fresh() : getToken()).catch(endedOrThrow),
      signOut: () => clerk.signOut(),
      async verify() {
        try {
          await proveFactor({ asked: false })
        } catch (error) {
          if (isReverificationCancelledError(error)) return false
          throw error
        }
        // The one that is kept still has the age of the old factor.
        await fresh()
        return true
      },
    }
  }, [isLoaded, userId, orgId, getToken, clerk, proveFactor])
  return <SessionContext value={state}>{children}</SessionContext>
}

/** Clerk refuses a token to who has no session any more; anything else is a way that does not work right now. */
function endedOrThrow(error: unknown): null {
  if (isClerkAPIResponseError(error) && [401, 403, 404].includes(error.status)) return null
  throw error
}

/**
 * Clerk shows its dialog when what it calls answers with this hint, and calls it again after the factor was proved.
 * Our api is called by whoever needs it: here the second call just succeeds. The argument is kept between the two, and
 * is another one each time, so that a dialog that was closed is shown again.
 */
async function askedOnce(attempt: { asked: boolean }) {
  if (attempt.asked) return true
  attempt.asked = true
  return Promise.resolve({
    clerk_error: {
      type: 'forbidden' as const,
      reason: 'reverification-error' as const,
      metadata: { reverification: { level: 'second_factor', afterMinutes: 10 } },
    },
  })
}

export function SignIn({ returnTo }: { returnTo: string }) {
  return <ClerkSignIn routing="hash" fallbackRedirectUrl={returnTo} signUpFallbackRedirectUrl={returnTo} />
}

/** The teams of who is signed in, to choose one of. */
export function TeamChoice() {
  return <OrganizationList hidePersonal afterSelectOrganizationUrl="/" afterCreateOrganizationUrl="/" />
}
