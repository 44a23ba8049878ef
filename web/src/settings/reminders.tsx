import { parseTime, type Time } from '@internationalized/date'
import { useState } from 'react'
import { DateInput, DateSegment, TimeField, ToggleButton, ToggleButtonGroup } from 'react-aria-components'
import type { Me, NotificationSettings } from '../api/types'
import { useLanguage, useWords } from '../words/words'
import { OneOf, OnOff } from './controls'
import { useChangeMe } from './queries'
import { Row, Section } from './row'

type Day = NotificationSettings['days'][number]
type QuietHours = NonNullable<NotificationSettings['quiet_hours']>

const DAYS: readonly Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const MONDAY = Date.UTC(2024, 0, 1)
const DAY_MS = 86_400_000
const QUIET_AT_NIGHT: QuietHours = { start: '20:00', end: '08:00' }
const LEADS = [5, 10, 15, 30, 60, 120, 240]
const NEVER = 'never'

/** When the member is reminded, and when they are left alone. */
export function Reminders({ me }: { me: Me }) {
  const words = useWords()
  const mine = words.settings
  const change = useChangeMe()
  const { notifications: chosen } = me
  const set = (notifications: Partial<NotificationSettings>) => change.mutate({ notifications })
  const leads = [...new Set([...LEADS, chosen.remind_before_minutes ?? 30])].sort((a, b) => a - b)
  const off = !chosen.reminders
  return (
    <Section id="reminders" title={mine.reminders} intro={mine.remindersIntro(me.timezone)}>
      <Row title={mine.remindersOn} hint={mine.remindersOnHint}>
        {(named) => <OnOff {...named} on={chosen.reminders} change={(reminders) => set({ reminders })} />}
      </Row>
      <Row title={mine.before} hint={mine.beforeHint}>
        {(named) => (
          <OneOf
            {...named}
            isDisabled={off}
            value={chosen.remind_before_minutes?.toString() ?? NEVER}
            change={(value) => set({ remind_before_minutes: value === NEVER ? null : Number(value) })}
            choices={[
              ...leads.map((minutes) => ({ value: `${minutes}`, text: mine.minutesBefore(span(minutes, words.time)) })),
              { value: NEVER, text: mine.never },
            ]}
          />
        )}
      </Row>
      <NothingSet at={chosen.nothing_set_at} isDisabled={off} set={set} />
      <Row title={mine.days} hint={mine.daysHint}>
        {(named) => <Days {...named} isDisabled={off} days={chosen.days} change={(days) => set({ days })} />}
      </Row>
      <Quiet quiet={chosen.quiet_hours} isDisabled={off} set={set} />
      <Row title={mine.weekly} hint={mine.weeklyHint}>
        {(named) => <OnOff {...named} on={chosen.weekly_report} change={(weekly_report) => set({ weekly_report })} />}
      </Row>
    </Section>
  )
}

interface Part {
  isDisabled: boolean
  set: (change: Partial<NotificationSettings>) => void
}

function NothingSet({ at, isDisabled, set }: Part & { at: string | null }) {
  const words = useWords().settings
  const language = useLanguage()
  const format = new Intl.DateTimeFormat(language, { timeStyle: 'short', timeZone: 'UTC' })
  // The api takes quarters of an hour, because jobs looks as often.
  const times = Array.from({ length: 96 }, (_, quarter) => MONDAY + quarter * 15 * 60_000)
  return (
    <Row title={words.nothingSet} hint={words.nothingSetHint}>
      {(named) => (
        <OneOf
          {...named}
          isDisabled={isDisabled}
          value={at?.slice(0, 5) ?? NEVER}
          change={(value) => set({ nothing_set_at: value === NEVER ? null : value })}
          choices={[
            { value: NEVER, text: words.never },
            ...times.map((time) => ({ value: new Date(time).toISOString().slice(11, 16), text: format.format(time) })),
          ]}
        />
      )}
    </Row>
  )
}

interface DaysProperties {
  'aria-labelledby': string
  days: Day[]
  isDisabled: boolean
  change: (days: Day[]) => void
}

function Days({ days, isDisabled, change, 'aria-labelledby': labelledBy }: DaysProperties) {
  const language = useLanguage()
  const name = (day: Day) =>
    new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' }).format(MONDAY + DAYS.indexOf(day) * DAY_MS)
  return (
    <ToggleButtonGroup
      className="segments days"
      aria-labelledby={labelledBy}
      selectionMode="multiple"
      disallowEmptySelection
      isDisabled={isDisabled}
      selectedKeys={days}
      onSelectionChange={(keys) => change(DAYS.filter((day) => keys.has(day)))}
    >
      {DAYS.map((day) => (
        <ToggleButton key={day} id={day}>
          {name(day)}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  )
}

function Quiet({ quiet, isDisabled, set }: Part & { quiet: QuietHours | null }) {
  const words = useWords().settings
  return (
    <Row title={words.quiet} hint={words.quietHint}>
      {(named) => (
        <div className="quiet-hours">
          {quiet !== null && (
            <Hours
              key={`${quiet.start}-${quiet.end}`}
              hours={quiet}
              isDisabled={isDisabled}
              change={(quiet_hours) => set({ quiet_hours })}
            />
          )}
          <OnOff
            {...named}
            isDisabled={isDisabled}
            on={quiet !== null}
            change={(on) => set({ quiet_hours: on ? QUIET_AT_NIGHT : null })}
          />
        </div>
      )}
    </Row>
  )
}

interface HoursProperties {
  hours: QuietHours
  isDisabled: boolean
  change: (hours: QuietHours) => void
}

/** From when to when; taken when the fields are left, not with each digit. */
function Hours({ hours, isDisabled, change }: HoursProperties) {
  const words = useWords().settings
  const [start, setStart] = useState<Time | null>(parseTime(hours.start))
  const [end, setEnd] = useState<Time | null>(parseTime(hours.end))
  const same = start !== null && end !== null && start.compare(end) === 0
  const take = () => {
    if (start === null || end === null || same) return
    const taken = { start: start.toString().slice(0, 5), end: end.toString().slice(0, 5) }
    if (taken.start !== hours.start.slice(0, 5) || taken.end !== hours.end.slice(0, 5)) change(taken)
  }
  return (
    <div className="hours">
      <Clock label={words.quietStart} value={start} change={setStart} leave={take} isDisabled={isDisabled} />
      <span aria-hidden>–</span>
      <Clock label={words.quietEnd} value={end} change={setEnd} leave={take} isDisabled={isDisabled} />
      {same && (
        <p className="error" role="alert">
          {words.quietSame}
        </p>
      )}
    </div>
  )
}

interface ClockProperties {
  label: string
  value: Time | null
  change: (value: Time | null) => void
  leave: () => void
  isDisabled: boolean
}

function Clock({ label, value, change, leave, isDisabled }: ClockProperties) {
  return (
    <TimeField aria-label={label} value={value} onChange={change} onBlur={leave} isDisabled={isDisabled}>
      <DateInput className="clock">{(segment) => <DateSegment segment={segment} />}</DateInput>
    </TimeField>
  )
}

function span(minutes: number, words: ReturnType<typeof useWords>['time']): string {
  return minutes < 60 ? words.minutes(minutes) : words.hoursMinutes(Math.floor(minutes / 60), minutes % 60)
}
