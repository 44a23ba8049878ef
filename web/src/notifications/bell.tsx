import { Link } from '@tanstack/react-router'
import { Bell as BellIcon } from 'lucide-react'
import { useWords } from '../words/words'

/** The way to the notifications, with how many are unread. */
export function Bell() {
  const words = useWords().shell
  return (
    <Link to="/notifications" className="bell" aria-label={words.notifications}>
      <BellIcon className="icon" aria-hidden />
    </Link>
  )
}
