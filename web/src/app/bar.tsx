import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Keyboard, LogOut, Monitor, Settings, Users } from 'lucide-react'
import { data } from '../api/client'
import { keys, useMe } from '../api/queries'
import { Bell } from '../notifications/bell'
import { useSession } from '../session/session'
import { Avatar } from '../ui/avatar'
import { MenuButton } from '../ui/menu_button'
import { useWords } from '../words/words'
import { useApi } from './providers'

export function Bar({ openShortcuts }: { openShortcuts: () => void }) {
  const words = useWords()
  const api = useApi()
  const team = useQuery({ queryKey: keys.team, queryFn: () => data(api.GET('/api/v1/team')), staleTime: Infinity })
  return (
    <header className="bar no-print">
      <div>
        <Link to="/" className="team-name">
          <img src="/favicon.svg" alt="" />
          <span>{team.data?.name ?? words.shell.product}</span>
        </Link>
        <nav aria-label={words.shell.pages}>
          <Link to="/" activeOptions={{ exact: true, includeSearch: false }}>
            {words.shell.focus}
          </Link>
          <Link to="/history">{words.shell.history}</Link>
          <Link to="/reports">{words.shell.reports}</Link>
        </nav>
        <Bell />
        <Account openShortcuts={openShortcuts} />
      </div>
    </header>
  )
}

function Account({ openShortcuts }: { openShortcuts: () => void }) {
  const words = useWords()
  const me = useMe().data
  const session = useSession()
  const navigate = useNavigate()
  if (me === undefined) return <Avatar id={session.userId} name="" url={null} size={32} />
  return (
    <MenuButton
      label={words.shell.account(me.name)}
      className="button plain"
      acts={[
        { icon: Settings, words: words.shell.settings, act: () => void navigate({ to: '/settings' }) },
        { icon: Users, words: words.shell.members, act: () => void navigate({ to: '/members' }) },
        { icon: Monitor, words: words.shell.wall, act: () => void navigate({ to: '/wall' }) },
        { icon: Keyboard, words: words.shell.shortcuts, act: openShortcuts },
        {
          icon: LogOut,
          words: words.session.signOut,
          act: () => void session.signOut().then(() => navigate({ to: '/' })),
        },
      ]}
    >
      <Avatar id={me.id} name={me.name} url={me.avatar_url} size={32} />
    </MenuButton>
  )
}
