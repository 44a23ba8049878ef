import { Team } from './team'

/** The team's board for a screen that nobody touches. */
export function WallPage() {
  return <Team />
}
