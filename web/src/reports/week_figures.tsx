import { ArrowDown, ArrowUp, Equal } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Report } from '../api/types'
import { useLanguage, useWords } from '../words/words'
import { DayChart } from './day_chart'
import { change, errorWords, type Change } from './figures'
import { MemberFigures } from './member_figures'

type Figures = Report['figures']

/** A week's figures, against those of the week before where there are any. */
export function WeekFigures({ figures, before }: { figures: Figures; before?: Figures }) {
  const words = useWords()
  return (
    <>
      <dl className="figures">
        <Figure name={words.reports.finished} value={String(figures.completed)}>
          {before && <Finished now={figures.completed} before={before.completed} />}
        </Figure>
        <OnTime figures={figures} before={before} />
        <Figure
          name={words.reports.estimates}
          value={
            figures.median_error_hours === null
              ? words.reports.none
              : errorWords(figures.median_error_hours, words.time)
          }
        >
          {figures.median_error_hours === null ? words.reports.noneEstimated : words.reports.estimatesNote}
          {before?.median_error_hours != null && (
            <span>{words.reports.wasBefore(errorWords(before.median_error_hours, words.time))}</span>
          )}
        </Figure>
      </dl>
      <DayChart days={figures.days} before={before?.days} />
      <MemberFigures members={figures.members} />
    </>
  )
}

function Finished({ now, before }: { now: number; before: number }) {
  const words = useWords().reports
  const { direction, by } = change(now, before)
  const text = { more: words.more(String(by)), less: words.less(String(by)), same: words.same }[direction]
  return <Compared direction={direction}>{text}</Compared>
}

function OnTime({ figures, before }: { figures: Figures; before?: Figures }) {
  const words = useWords().reports
  const language = useLanguage()
  const share = figures.on_time_share
  if (share === null) {
    return (
      <Figure name={words.onTime} value={words.none}>
        {words.noneEstimated}
      </Figure>
    )
  }
  return (
    <Figure name={words.onTime} value={new Intl.NumberFormat(language, { style: 'percent' }).format(share)}>
      {words.ofEstimated(figures.on_time, figures.estimated)}
      {before?.on_time_share != null && <Points now={share} before={before.on_time_share} />}
    </Figure>
  )
}

/** Of the rounded shares, because these are what is shown. */
function Points({ now, before }: { now: number; before: number }) {
  const words = useWords().reports
  const { direction, by } = change(Math.round(now * 100), Math.round(before * 100))
  const points = words.points(by)
  const text = { more: words.higher(points), less: words.lower(points), same: words.same }[direction]
  return <Compared direction={direction}>{text}</Compared>
}

const ICONS = { more: ArrowUp, less: ArrowDown, same: Equal }

function Compared({ direction, children }: { direction: Change; children: string }) {
  const Icon = ICONS[direction]
  return (
    <span>
      <Icon className="icon" aria-hidden /> {children}
    </span>
  )
}

function Figure({ name, value, children }: { name: string; value: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="value">{value}</dd>
      <dd className="quiet">{children}</dd>
    </div>
  )
}
