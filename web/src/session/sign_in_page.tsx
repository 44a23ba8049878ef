import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useEffect } from 'react'
import { configuration } from '../app/configuration'
import { Alone } from '../app/alone'
import { useWords } from '../words/words'
import { useSessionState } from './session'

const TeamChoiceWay = lazy(async () => ({
  default: configuration.clerk_publishable_key
    ? (await import('./clerk')).TeamChoice
    : (await import('./stand_in')).TeamChoice,
}))

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

/** The teams of who is signed in, to choose one of. */
export function TeamChoice() {
  return (
    <Suspense>
      <TeamChoiceWay />
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
    <Alone title={search.ended ? words.endedTitle : words.signIn}>
      {search.ended ? <p>{words.ended}</p> : to !== '/' && <p>{words.goOn}</p>}
      <SignIn returnTo={to} />
    </Alone>
  )
}

/** Nobody is led elsewhere by an address that somebody else made. */
function pathOfThisPage(to: string | undefined): string {
  if (to === undefined) return '/'
  const url = new URL(to, location.origin)
  return url.origin === location.origin ? url.pathname + url.search + url.hash : '/'
}
