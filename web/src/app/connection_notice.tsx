import { useQuery, useQueryClient } from '@tanstack/react-query'
import { CloudOff, DatabaseZap, RefreshCw } from 'lucide-react'
import { focusQuery } from '../api/queries'
import { useConnection, useStatus } from '../live/live'
import { useLanguage, useWords } from '../words/words'
import { useApi } from './providers'

/** One line under the bar while what is shown may be old, and why. */
export function ConnectionNotice() {
  const words = useWords().shell
  const language = useLanguage()
  const status = useStatus()
  const lostAt = useConnection().lostAt ?? 0
  const read = useQuery({ ...focusQuery(useApi(), useQueryClient()), select: ({ asOf }) => asOf })
  const asOf = read.data ?? null
  const clock = (time: number) => new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(time)
  const shown =
    status === 'offline'
      ? { icon: CloudOff, text: words.offline(clock(lostAt)) }
      : status === 'reconnecting'
        ? { icon: RefreshCw, text: words.reconnecting }
        : asOf !== null
          ? { icon: DatabaseZap, text: words.readOnly(clock(Date.parse(asOf))) }
          : null
  return (
    <div role="status">
      {shown && (
        <p className="notice">
          <shown.icon className="icon" aria-hidden />
          {shown.text}
        </p>
      )}
    </div>
  )
}
