import { Link } from '@tanstack/react-router'
import { useMembers } from '../api/queries'
import type { Report } from '../api/types'
import { Avatar } from '../ui/avatar'
import { useLanguage, useWords } from '../words/words'

type Member = Report['figures']['members'][number]

/** What each member finished, by name: this is no ranking. */
export function MemberFigures({ members }: { members: readonly Member[] }) {
  const words = useWords().reports
  const current = useMembers().data
  const { compare } = new Intl.Collator(useLanguage())
  const most = Math.max(...members.map(({ completed }) => completed))
  return (
    <section className="member-figures" aria-labelledby="by-member">
      <h3 id="by-member">{words.byMember}</h3>
      <p className="quiet">{words.membersNote}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.member}</th>
            <td aria-hidden />
            <th scope="col">{words.finished}</th>
            <th scope="col">{words.onTime}</th>
          </tr>
        </thead>
        <tbody>
          {members
            .toSorted((a, b) => compare(a.name, b.name))
            .map(({ user_id, name, completed, on_time }) => (
              <tr key={user_id}>
                <th scope="row">
                  <Avatar
                    id={user_id}
                    name={name}
                    url={current?.find(({ id }) => id === user_id)?.avatar_url ?? null}
                    size={28}
                  />
                  <Link to="/history" search={{ member: user_id }}>
                    {name}
                  </Link>
                </th>
                <td aria-hidden>
                  <div className="track" style={{ width: `${(completed / most) * 100}%` }}>
                    <div className="bar" style={{ width: `${(on_time / completed) * 100}%` }} />
                  </div>
                </td>
                <td>{completed}</td>
                <td>{on_time}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  )
}
