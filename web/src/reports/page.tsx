/** The team's weeks in figures: one of them large, the others to choose from. */
import type { CalendarDate } from '@internationalized/date'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { ChartColumn, ChevronLeft, ChevronRight, type LucideIcon } from 'lucide-react'
import { keys } from '../api/queries'
import { dayOf } from '../history/days'
import { useNow } from '../live/clock'
import { useAnnouncements } from '../live/live'
import { Empty, Failed, Skeleton } from '../ui/states'
import { useLanguage, useWords } from '../words/words'
import { useReport, useReports } from './queries'
import { WeekFigures } from './week_figures'
import { weeksOf, weekWords, type Week } from './weeks'
import './reports.css'

export function ReportsPage() {
  const words = useWords().reports
  const asked = useSearch({ from: '/shell/reports', select: ({ week }) => week })
  const today = dayOf(useNow(), Intl.DateTimeFormat().resolvedOptions().timeZone)
  const cache = useQueryClient()
  const reports = useReports()
  useAnnouncements(({ event }) => {
    if (event === 'report.ready') void cache.invalidateQueries({ queryKey: [...keys.reports, 'list'] })
  })
  return (
    <div className="page reports">
      <h1>{words.title}</h1>
      {reports.data !== undefined ? (
        <Weeks weeks={weeksOf(reports.data)} asked={asked} today={today} />
      ) : reports.isError ? (
        <Failed error={reports.error} retry={() => void reports.refetch()} />
      ) : (
        <ReportSkeleton />
      )}
    </div>
  )
}

function Weeks({ weeks, asked, today }: { weeks: Week[]; asked?: string; today: CalendarDate }) {
  const words = useWords().reports
  const at = asked === undefined ? 0 : weeks.findIndex(({ monday }) => monday.toString() === asked)
  const week = weeks[at]
  if (weeks.length === 0) {
    return (
      <Empty icon={ChartColumn} title={words.noReportTitle}>
        <p className="quiet">{words.noReport}</p>
      </Empty>
    )
  }
  return (
    <div className="report-columns">
      {week === undefined ? (
        <Empty icon={ChartColumn} title={words.unknownWeekTitle}>
          <p className="quiet">{words.unknownWeek}</p>
          <Link to="/reports" className="button">
            {words.newest}
          </Link>
        </Empty>
      ) : (
        <OneWeek week={week} newer={weeks[at - 1]} older={weeks[at + 1]} today={today} />
      )}
      <WeekList weeks={weeks} shown={week} today={today} />
    </div>
  )
}

function OneWeek({ week, newer, older, today }: { week: Week; newer?: Week; older?: Week; today: CalendarDate }) {
  const words = useWords().reports
  const language = useLanguage()
  const report = useReport(week.id)
  const before = useReport(older?.id)
  return (
    <article aria-labelledby="week">
      <header className="week-header">
        <h2 id="week">{words.week(weekWords(week.monday, today, language))}</h2>
        <Step to={older} label={words.older} icon={ChevronLeft} />
        <Step to={newer} label={words.newer} icon={ChevronRight} />
      </header>
      {report.data === null || report.data?.figures.completed === 0 ? (
        <Empty icon={ChartColumn} title={words.emptyWeekTitle}>
          <p className="quiet">{words.emptyWeek}</p>
        </Empty>
      ) : report.data !== undefined ? (
        <WeekFigures figures={report.data.figures} before={older && before.data?.figures} />
      ) : report.isError ? (
        <Failed error={report.error} retry={() => void report.refetch()} />
      ) : (
        <FiguresSkeleton />
      )}
    </article>
  )
}

function Step({ to, label, icon: Icon }: { to?: Week; label: string; icon: LucideIcon }) {
  const icon = <Icon className="icon" aria-hidden />
  if (to === undefined) {
    return (
      <span className="button plain no-print" data-disabled aria-hidden>
        {icon}
      </span>
    )
  }
  return (
    <Link to="/reports" search={{ week: to.monday.toString() }} className="button plain no-print" aria-label={label}>
      {icon}
    </Link>
  )
}

function WeekList({ weeks, shown, today }: { weeks: Week[]; shown?: Week; today: CalendarDate }) {
  const words = useWords().reports
  const language = useLanguage()
  return (
    <nav className="week-list no-print" aria-labelledby="weeks">
      <h2 id="weeks">{words.weeks}</h2>
      <ul>
        {weeks.map((week) => (
          <li key={week.monday.toString()}>
            <Link
              to="/reports"
              search={{ week: week.monday.toString() }}
              aria-current={week === shown ? 'page' : undefined}
              resetScroll={false}
            >
              {weekWords(week.monday, today, language, 'short')}
              {week.id === null && <small className="quiet">{words.nothing}</small>}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function ReportSkeleton() {
  return (
    <div className="report-columns">
      <div>
        <Skeleton width={280} height={28} />
        <FiguresSkeleton />
      </div>
    </div>
  )
}

function FiguresSkeleton() {
  const words = useWords().shell
  return (
    <div role="status" aria-label={words.loading}>
      <div className="figures">
        {[0, 1, 2].map((each) => (
          <Skeleton key={each} height={104} />
        ))}
      </div>
      <Skeleton height={240} />
    </div>
  )
}
