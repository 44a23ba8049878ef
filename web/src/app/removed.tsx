import { UserMinus } from 'lucide-react'
import { Button } from 'react-aria-components'
import type { Session } from '../session/session'
import { Empty } from '../ui/states'
import { useWords } from '../words/words'

/** For who was in the team until a moment ago. */
export function Removed({ session }: { session: Session }) {
  const words = useWords().session
  return (
    <main className="page">
      <Empty icon={UserMinus} title={words.removedTitle}>
        <p>{words.removed}</p>
        <Button className="button" onPress={() => void session.signOut()}>
          {words.otherAccount}
        </Button>
      </Empty>
    </main>
  )
}
