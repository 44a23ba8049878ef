import { useMemo } from 'react'
import { ChevronDown } from 'lucide-react'
import {
  Autocomplete,
  Button,
  Dialog,
  DialogTrigger,
  Input,
  ListBox,
  ListBoxItem,
  ListLayout,
  Popover,
  SearchField,
  Virtualizer,
} from 'react-aria-components'
import type { Me } from '../api/types'
import { useNow } from '../live/clock'
import { useLanguage, useWords } from '../words/words'
import { useChangeMe } from './queries'
import { Row } from './row'
import { browserTimeZone, clockIn, finds, timeZones } from './time_zones'

const ROW_PX = 52

/** Where the member is: reminders come by this clock, and colleagues see it. */
export function TimeZoneRow({ me }: { me: Me }) {
  const words = useWords().settings
  const language = useLanguage()
  const now = useNow()
  const change = useChangeMe()
  const set = (timezone: string) => timezone !== me.timezone && change.mutate({ timezone })
  const here = browserTimeZone()
  const elsewhere = here !== null && here !== me.timezone && !sameClock(here, me.timezone, now) ? here : null
  return (
    <Row
      title={words.timeZone}
      hint={
        elsewhere === null ? (
          words.timeZoneHint
        ) : (
          <>
            {words.timeZoneElsewhere(elsewhere.replaceAll('_', ' '), clockIn(elsewhere, now, language))}{' '}
            <Button className="link" onPress={() => set(elsewhere)}>
              {words.timeZoneUse}
            </Button>
          </>
        )
      }
    >
      {(named) => (
        <DialogTrigger>
          <Button className="button zone" aria-describedby={named['aria-describedby']}>
            <span className="visually-hidden">{words.timeZone}: </span>
            <span className="text">{me.timezone.replaceAll('_', ' ')}</span>
            <span className="quiet time">{clockIn(me.timezone, now, language)}</span>
            <ChevronDown className="icon" aria-hidden />
          </Button>
          <Popover className="popover zones" placement="bottom end">
            <Dialog aria-label={words.timeZone}>
              {({ close }) => (
                <Zones
                  chosen={me.timezone}
                  choose={(zone) => {
                    set(zone)
                    close()
                  }}
                />
              )}
            </Dialog>
          </Popover>
        </DialogTrigger>
      )}
    </Row>
  )
}

function Zones({ chosen, choose }: { chosen: string; choose: (zone: string) => void }) {
  const words = useWords().settings
  const language = useLanguage()
  const now = useNow()
  const zones = useMemo(() => new Map(timeZones(chosen, language).map((zone) => [zone.id, zone])), [chosen, language])
  return (
    <Autocomplete filter={(id, typed) => typed === '' || finds(zones.get(id) ?? nothing(id), typed)}>
      <SearchField aria-label={words.timeZoneSearch} autoFocus className="field">
        <Input placeholder={words.timeZoneSearch} />
      </SearchField>
      <Virtualizer layout={ListLayout} layoutOptions={{ rowSize: ROW_PX }}>
        <ListBox
          className="options"
          aria-label={words.timeZone}
          items={zones.values()}
          selectionMode="single"
          selectedKeys={[chosen]}
          disallowEmptySelection
          onSelectionChange={(keys) => keys !== 'all' && keys.forEach((key) => choose(String(key)))}
          renderEmptyState={() => <p className="quiet none">{words.timeZoneNone}</p>}
        >
          {(zone) => (
            <ListBoxItem id={zone.id} textValue={zone.id}>
              <span className="zone-name">
                <span>{zone.city}</span>
                <small>{[zone.region, zone.name].filter(Boolean).join(' · ')}</small>
              </span>
              <span className="zone-time">
                <span className="time">{clockIn(zone.id, now, language)}</span>
                <small>{zone.offset}</small>
              </span>
            </ListBoxItem>
          )}
        </ListBox>
      </Virtualizer>
    </Autocomplete>
  )
}

function nothing(id: string) {
  return { id, city: '', region: '', offset: '', name: '' }
}

/** The same zone under an old name, or one that has the same time: nothing to be asked about. */
function sameClock(one: string, other: string, now: number): boolean {
  const months = [0, 182].map((days) => now + days * 86_400_000)
  return months.every((time) => clockIn(one, time, 'en-GB') === clockIn(other, time, 'en-GB'))
}
