import { ShieldX } from 'lucide-react'
import { Button } from 'react-aria-components'
import type { ApiError } from '../api/problem'
import type { Session } from '../session/session'
import { TeamChoice } from '../session/sign_in_page'
import { useProblemWords } from '../ui/problems'
import { useWords } from '../words/words'
import { Alone } from './alone'

/** For who is signed in, but not as somebody who may see a team. */
export function NotAllowed({ session, refusal }: { session: Session; refusal: ApiError }) {
  const words = useWords().session
  const problem = useProblemWords()
  const needsTeam = refusal.slug === 'no-active-team'
  return (
    <Alone icon={ShieldX} title={needsTeam ? words.chooseTeamTitle : words.notAllowedTitle}>
      <p>{needsTeam ? words.chooseTeam : problem(refusal)}</p>
      {needsTeam && <TeamChoice />}
      <Button className="button" onPress={() => void session.signOut()}>
        {words.otherAccount}
      </Button>
    </Alone>
  )
}
