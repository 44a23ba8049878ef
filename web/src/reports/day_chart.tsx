import { useLanguage, useWords } from '../words/words'
import { dayNames } from './weeks'

const NONE = [0, 0, 0, 0, 0, 0, 0]

/** What was finished on each day, Monday first: a bar for this week, an outline for the week before. */
export function DayChart({ days, before }: { days: readonly number[]; before?: readonly number[] }) {
  const words = useWords().reports
  const language = useLanguage()
  const short = dayNames(language, 'short')
  const most = Math.max(1, ...days, ...(before ?? NONE))
  return (
    <figure className="day-chart">
      <figcaption>
        <h3>{words.byDay}</h3>
        {before && (
          <p className="legend quiet" aria-hidden>
            <span className="bar" /> {words.thisWeek} <span className="bar before" /> {words.weekBefore}
          </p>
        )}
      </figcaption>
      <div className="days" aria-hidden>
        {days.map((count, day) => (
          <div key={short[day]}>
            <div className="bars">
              {before && <Bar count={before[day] ?? 0} most={most} before />}
              <Bar count={count} most={most} />
            </div>
            <span>{short[day]}</span>
          </div>
        ))}
      </div>
      <div className="visually-hidden">
        <DayTable days={days} before={before} />
      </div>
    </figure>
  )
}

function Bar({ count, most, before = false }: { count: number; most: number; before?: boolean }) {
  return (
    <div className="column">
      {!before && <span className={count === 0 ? 'time quiet' : 'time'}>{count}</span>}
      <div className={before ? 'bar before' : 'bar'} style={{ height: `${(count / most) * 100}%` }} />
    </div>
  )
}

/** The same for who does not see it. */
function DayTable({ days, before }: { days: readonly number[]; before?: readonly number[] }) {
  const words = useWords().reports
  const long = dayNames(useLanguage(), 'long')
  return (
    <table>
      <caption>{words.byDay}</caption>
      <thead>
        <tr>
          <th scope="col">{words.day}</th>
          <th scope="col">{words.thisWeek}</th>
          {before && <th scope="col">{words.weekBefore}</th>}
        </tr>
      </thead>
      <tbody>
        {days.map((count, day) => (
          <tr key={long[day]}>
            <th scope="row">{long[day]}</th>
            <td>{count}</td>
            {before && <td>{before[day] ?? 0}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
