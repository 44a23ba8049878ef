import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Keyboard, LogOut, Monitor, Settings, Users } from 'lucide-react'
import { Button, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components'
import { data } from '../api/client'
import { keys, useMe } from '../api/queries'
import { Bell } from '../notifications/bell'
import { useSession } from '../session/session'
import { Avatar } from '../ui/avatar'
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
    <MenuTrigger>
      <Button className="button plain" aria-label={words.shell.account(me.name)}>
        <Avatar id={me.id} name={me.name} url={me.avatar_url} size={32} />
      </Button>
      <Popover className="popover" placement="bottom end">
        <Menu className="menu" aria-label={words.shell.account(me.name)}>
          <MenuItem onAction={() => void navigate({ to: '/settings' })}>
            <Settings className="icon" aria-hidden /> {words.shell.settings}
          </MenuItem>
          <MenuItem onAction={() => void navigate({ to: '/members' })}>
            <Users className="icon" aria-hidden /> {words.shell.members}
          </MenuItem>
          <MenuItem onAction={() => void navigate({ to: '/wall' })}>
            <Monitor className="icon" aria-hidden /> {words.shell.wall}
          </MenuItem>
          <MenuItem onAction={openShortcuts}>
            <Keyboard className="icon" aria-hidden /> {words.shell.shortcuts}
          </MenuItem>
          <MenuItem onAction={() => void session.signOut().then(() => navigate({ to: '/' }))}>
            <LogOut className="icon" aria-hidden /> {words.session.signOut}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
