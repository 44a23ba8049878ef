import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useEffect } from 'react'
import { configuration } from '../app/configuration'
import { useWords } from '../words/words'
import { useSessionState } from './session'
import '../app/shell.css'

const Way = lazy(async () => ({
  default: configuration.clerk_publishable_key ? (await import('./clerk')).SignIn : (await import('./stand_in')).SignIn,
}))

/** The way in; where it shows, a member chooses or proves who they are. */
export function SignIn({ returnTo }: { returnTo: string }) {
  return (
    <Suspense>
      <Way returnTo={returnTo} />
    </Suspense>
  )
}

/** `/sign-in?to=/history`: who is signed in goes on to where they were. */
export function SignInPage() {
  const words = useWords().session
  const search = useSearch({ from: '/sign-in' })
  const state = useSessionState()
  const navigate = useNavigate()
  const to = pathOfThisPage(search.to)
  useEffect(() => {
    if (typeof state !== 'string') void navigate({ href: to, replace: true })
  }, [state, to, navigate])
  if (state !== 'signed-out') return null
  return (
    <main className="sign-in">
      <img src="/favicon.svg" alt="" />
      <h1>{words.signIn}</h1>
      {to !== '/' && <p>{words.ended}</p>}
      <SignIn returnTo={to} />
    </main>
  )
}

/** Nobody is led elsewhere by an address that somebody else made. */
function pathOfThisPage(to: string | undefined): string {
  if (to === undefined) return '/'
  const url = new URL(to, location.origin)
  return url.origin === location.origin ? url.pathname + url.search + url.hash : '/'
}
