import { Link, Outlet, useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { useCallback, useEffect, useState, type ReactNode } from 'react'
import { ApiError } from '../api/problem'
import { useMe } from '../api/queries'
import { useKeptActs } from '../focus/acts'
import { Live } from '../live/live'
import type { Ending } from '../live/connection'
import { useSessionState, type Session } from '../session/session'
import { Toasts, undoNewest } from '../ui/toasts'
import { useShortcuts } from '../ui/shortcuts'
import { useWords } from '../words/words'
import { Bar } from './bar'
import { ConnectionNotice } from './connection_notice'
import { Landing } from './landing'
import { NotAllowed } from './not_allowed'
import { MemberProviders } from './providers'
import { Removed } from './removed'
import { ShortcutSheet } from './shortcut_sheet'
import './shell.css'

/** Around the pages of members. Who is not signed in sees the landing page, or signs in and comes back. */
export function Shell() {
  const session = useSessionState()
  const { pathname, href } = useLocation()
  const [wasSignedIn, setWasSignedIn] = useState(false)
  if (typeof session !== 'string' && !wasSignedIn) setWasSignedIn(true)
  if (session === 'loading') return null
  if (session !== 'signed-out') return <ForMember key={`${session.userId} ${session.teamId ?? ''}`} session={session} />
  if (pathname === '/') return <Landing ended={wasSignedIn} />
  if (pathname === '/sign-in') return null // on the way there already
  return <ToSignIn from={href} ended={wasSignedIn} />
}

function ToSignIn({ from, ended }: { from: string; ended: boolean }) {
  const navigate = useNavigate()
  // The address is the next page's while this one is still shown.
  const [to] = useState(from)
  useEffect(() => {
    void navigate({ to: '/sign-in', search: { to, ended: ended || undefined }, replace: true })
  }, [navigate, to, ended])
  return null
}

function ForMember({ session }: { session: Session }) {
  const navigate = useNavigate()
  const router = useRouter()
  const [removed, setRemoved] = useState(false)
  // The same for every page: a new one would begin a new connection.
  const ended = useCallback(
    () => void navigate({ to: '/sign-in', search: { to: router.state.location.href, ended: true } }),
    [navigate, router],
  )
  const thrownOut = (why: Ending) => (why === 'removed' ? setRemoved(true) : ended())
  return (
    <MemberProviders session={session} ended={ended}>
      {removed ? (
        <Removed session={session} />
      ) : (
        <Live onEnded={thrownOut}>
          <Allowed session={session}>
            <Frame />
          </Allowed>
        </Live>
      )}
    </MemberProviders>
  )
}

/** Who may not come in with this account is told why, once, instead of by every part of the page. */
function Allowed({ session, children }: { session: Session; children: ReactNode }) {
  const { error } = useMe()
  const refused = error instanceof ApiError && error.status === 403 ? error : null
  return refused === null ? children : <NotAllowed session={session} refusal={refused} />
}

function Frame() {
  const words = useWords().shell
  const navigate = useNavigate()
  const onTheWall = useLocation({ select: ({ pathname }) => pathname === '/wall' })
  const [sheet, setSheet] = useState(false)
  useKeptActs()
  useShortcuts({
    '?': () => setSheet(true),
    u: undoNewest,
    'g f': () => void navigate({ to: '/' }),
    'g h': () => void navigate({ to: '/history' }),
    'g r': () => void navigate({ to: '/reports' }),
  })
  if (onTheWall) return <Outlet />
  return (
    <>
      <Link to="." hash="page" className="skip no-print">
        {words.skip}
      </Link>
      <Bar openShortcuts={() => setSheet(true)} />
      <ConnectionNotice />
      <main id="page" tabIndex={-1}>
        <Outlet />
      </main>
      <Toasts />
      <ShortcutSheet isOpen={sheet} onOpenChange={setSheet} />
    </>
  )
}
