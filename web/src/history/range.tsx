/** Days chosen in a calendar: loaded when somebody wants to. */
import type { CalendarDate } from '@internationalized/date'
import { CalendarDays, ChevronLeft, ChevronRight } from 'lucide-react'
import {
  Button,
  CalendarCell,
  CalendarGrid,
  DateInput,
  DateRangePicker,
  DateSegment,
  Dialog,
  Group,
  Heading,
  Label,
  Popover,
  RangeCalendar,
} from 'react-aria-components'
import { useWords } from '../words/words'
import { dayFrom } from './days'

interface Properties {
  from?: string
  to?: string
  today: CalendarDate
  onChange: (range: { from: string; to: string }) => void
}

export default function Range({ from, to, today, onChange }: Properties) {
  const words = useWords().history
  const end = dayFrom(to) ?? today
  const value = { start: dayFrom(from) ?? end, end }
  return (
    <DateRangePicker
      className="field"
      value={value}
      maxValue={today}
      firstDayOfWeek="mon"
      onChange={(range) => range && onChange({ from: range.start.toString(), to: range.end.toString() })}
    >
      <Label>{words.range}</Label>
      <Group className="range">
        <DateInput slot="start" aria-label={words.rangeFrom}>
          {(segment) => <DateSegment segment={segment} />}
        </DateInput>
        <span aria-hidden>–</span>
        <DateInput slot="end" aria-label={words.rangeTo}>
          {(segment) => <DateSegment segment={segment} />}
        </DateInput>
        <Button aria-label={words.calendar}>
          <CalendarDays className="icon" aria-hidden />
        </Button>
      </Group>
      <Popover className="popover">
        <Dialog className="calendar" aria-label={words.range}>
          <RangeCalendar firstDayOfWeek="mon">
            <header>
              <Button slot="previous" className="button plain" aria-label={words.previous}>
                <ChevronLeft className="icon" aria-hidden />
              </Button>
              <Heading />
              <Button slot="next" className="button plain" aria-label={words.next}>
                <ChevronRight className="icon" aria-hidden />
              </Button>
            </header>
            <CalendarGrid>{(date) => <CalendarCell date={date} />}</CalendarGrid>
          </RangeCalendar>
        </Dialog>
      </Popover>
    </DateRangePicker>
  )
}
