import { UserMinus } from 'lucide-react'
import { Button } from 'react-aria-components'
import type { Session } from '../session/session'
import { useWords } from '../words/words'
import { Alone } from './alone'

/** For who was in the team until a moment ago. */
export function Removed({ session }: { session: Session }) {
  const words = useWords().session
  return (
    <Alone icon={UserMinus} title={words.removedTitle}>
      <p>{words.removed}</p>
      <Button className="button" onPress={() => void session.signOut()}>
        {words.otherAccount}
      </Button>
    </Alone>
  )
}
