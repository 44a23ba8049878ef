import { useFocus, useMembers } from '../api/queries'
import { useHere } from '../live/live'

/** The team's cards. */
export function Team() {
  const members = useMembers().data ?? []
  const focus = useFocus().data
  const here = useHere()
  return (
    <ul>
      {members.map((member) => (
        <li key={member.id}>
          {member.name} {here.has(member.id) && '(here)'}:{' '}
          {focus?.items.find(({ user_id }) => user_id === member.id)?.title}
        </li>
      ))}
    </ul>
  )
}
