import { afterEach, expect, test, vi } from 'vitest'
import { browserTimeZone, finds, timeZones } from './time_zones'

afterEach(() => vi.restoreAllMocks())

const all = timeZones('Europe/Lisbon', 'en')
const found = (typed: string) => all.filter((zone) => finds(zone, typed)).map(({ id }) => id)

test('a zone is found by its city, its region, its name and its offset', () => {
  expect(found('new york')).toEqual(['America/New_York'])
  expect(found('tokyo asia')).toEqual(['Asia/Tokyo'])
  expect(found('central european')).toContain('Europe/Berlin')
  expect(found('utc+5:45')).toHaveLength(1)
  expect(found('sao paulo')).toEqual(found('São Paulo'))
})

test('the offset is that of the zone, also half an hour off and west of Greenwich', () => {
  const offsets = new Map(timeZones('UTC', 'ar-EG').map(({ id, offset }) => [id, offset]))

  expect(['UTC', 'Asia/Tokyo', 'Pacific/Marquesas', 'America/Phoenix'].map((id) => offsets.get(id))).toEqual([
    'UTC',
    'UTC+9',
    'UTC−9:30',
    'UTC−7',
  ])
})

test('a zone of the member is offered even when this browser does not know it', () => {
  expect(timeZones('Mars/Olympus', 'en').find(({ id }) => id === 'Mars/Olympus')).toMatchObject({
    city: 'Olympus',
    offset: '',
  })
})

test('a browser that does not say where it is offers nothing', () => {
  const options = Intl.DateTimeFormat().resolvedOptions()
  vi.spyOn(Intl.DateTimeFormat.prototype, 'resolvedOptions').mockReturnValue({ ...options, timeZone: 'Etc/Unknown' })

  expect(browserTimeZone()).toBeNull()
})
