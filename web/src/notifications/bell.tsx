import { Link } from '@tanstack/react-router'
import { Bell as BellIcon } from 'lucide-react'
import { useWords } from '../words/words'
import { useUnread } from './queries'
import { useNews } from './use_news'

const MAX_SHOWN = 99

/** The way to the notifications, with how many are unread; what comes is told while this is there. */
export function Bell() {
  const words = useWords().shell
  const unread = useUnread().data ?? 0
  useNews()
  return (
    <Link
      to="/notifications"
      className="bell"
      aria-label={unread === 0 ? words.notifications : `${words.notifications}, ${words.unread(unread)}`}
    >
      <BellIcon className="icon" aria-hidden />
      {unread > 0 && (
        <span className="count" aria-hidden>
          {unread > MAX_SHOWN ? `${MAX_SHOWN}+` : unread}
        </span>
      )}
    </Link>
  )
}
