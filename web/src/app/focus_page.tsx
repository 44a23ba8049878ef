import { MyFocus } from '../focus/my_focus'
import { Team } from '../team/team'

/** The dashboard: my focus, then the team's. */
export function FocusPage() {
  return (
    <div className="page">
      <MyFocus />
      <Team />
    </div>
  )
}
