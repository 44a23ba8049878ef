import { Link, Navigate, Outlet, useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { useCallback, useState } from 'react'
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
import { MemberProviders } from './providers'
import { Removed } from './removed'
import { ShortcutSheet } from './shortcut_sheet'
import './shell.css'

/** Around the pages of members. Who is not signed in sees the landing page, or signs in and comes back. */
export function Shell() {
  const session = useSessionState()
  const { pathname, href } = useLocation()
  if (session === 'loading') return null
  if (session !== 'signed-out') return <ForMember key={session.userId} session={session} />
  if (pathname === '/sign-in') return null // on the way there
  return pathname === '/' ? <Landing /> : <Navigate to="/sign-in" search={{ to: href }} replace />
}

function ForMember({ session }: { session: Session }) {
  const navigate = useNavigate()
  const router = useRouter()
  const [removed, setRemoved] = useState(false)
  // The same for every page: a new one would begin a new connection.
  const ended = useCallback(
    () => void navigate({ to: '/sign-in', search: { to: router.state.location.href } }),
    [navigate, router],
  )
  const thrownOut = (why: Ending) => (why === 'removed' ? setRemoved(true) : ended())
  return (
    <MemberProviders session={session} ended={ended}>
      {removed ? (
        <Removed session={session} />
      ) : (
        <Live onEnded={thrownOut}>
          <Frame />
        </Live>
      )}
    </MemberProviders>
  )
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
