import { CalendarDateTime, getLocalTimeZone, Time, toCalendarDate, toTime } from '@internationalized/date'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import {
  Button,
  Calendar,
  CalendarCell,
  CalendarGrid,
  CalendarGridBody,
  CalendarGridHeader,
  CalendarHeaderCell,
  DateInput,
  DateSegment,
  Heading,
  Label,
  TimeField,
} from 'react-aria-components'
import { now } from '../live/clock'
import { useWords } from '../words/words'
import { atHour, shifted } from './days'
import './time_picker.css'

/** A day and a time to come. Begins with `at`, or with tomorrow noon. */
export default function TimePicker({ at, choose }: { at: Date | null; choose: (at: Date) => void }) {
  const words = useWords()
  const [first] = useState(() => wall(at ?? atHour(shifted(new Date(now()), 1), 12, 0)))
  const [day, setDay] = useState(() => toCalendarDate(first))
  const [time, setTime] = useState(() => toTime(first))
  const chosen = new CalendarDateTime(day.year, day.month, day.day, time.hour, time.minute).toDate(getLocalTimeZone())
  const isPast = chosen.getTime() <= now()
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!isPast) choose(chosen)
      }}
    >
      <Calendar
        aria-label={words.focus.day}
        value={day}
        onChange={setDay}
        minValue={toCalendarDate(wall(new Date(now())))}
        autoFocus
      >
        <header>
          <Button slot="previous" className="button plain icon-only" aria-label={words.focus.previousMonth}>
            <ChevronLeft className="icon" aria-hidden />
          </Button>
          <Heading />
          <Button slot="next" className="button plain icon-only" aria-label={words.focus.nextMonth}>
            <ChevronRight className="icon" aria-hidden />
          </Button>
        </header>
        <CalendarGrid>
          <CalendarGridHeader>{(name) => <CalendarHeaderCell>{name}</CalendarHeaderCell>}</CalendarGridHeader>
          <CalendarGridBody>{(date) => <CalendarCell date={date} className="day" />}</CalendarGridBody>
        </CalendarGrid>
      </Calendar>
      <div className="time-picker-below">
        <TimeField
          value={time}
          onChange={(value) => value && setTime(new Time(value.hour, value.minute))}
          className="time-field"
        >
          <Label className="visually-hidden">{words.focus.time}</Label>
          <DateInput>{(segment) => <DateSegment segment={segment} className="segment time" />}</DateInput>
        </TimeField>
        <Button className="button main" type="submit" isDisabled={isPast}>
          {words.focus.chosen}
        </Button>
      </div>
      <p className="error" role="status">
        {isPast && words.api.problems['estimate-in-past']}
      </p>
    </form>
  )
}

/** On the wall's clock of the viewer. */
function wall(at: Date): CalendarDateTime {
  return new CalendarDateTime(at.getFullYear(), at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes())
}
