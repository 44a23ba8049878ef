import { expect, test } from 'vitest'
import type { NotificationSettings } from '../api/types'
import { isQuiet } from './quiet_hours'

const days: NotificationSettings['days'] = ['mon', 'tue', 'wed', 'thu', 'fri']
const at = (iso: string) => Date.parse(iso)

test('quiet hours begin with their first minute and end before their last', () => {
  const hours = { days, quiet_hours: { start: '12:00', end: '13:30' } }

  const quiet = ['11:59', '12:00', '13:29', '13:30'].map((clock) =>
    isQuiet(hours, 'UTC', at(`2026-11-25T${clock}:00Z`)),
  )

  expect(quiet).toEqual([false, true, true, false])
})

test('over midnight they hold on both sides of it', () => {
  const hours = { days, quiet_hours: { start: '20:00', end: '08:00' } }

  const quiet = ['19:59', '20:00', '23:59', '00:00', '07:59', '08:00'].map((clock) =>
    isQuiet(hours, 'UTC', at(`2026-11-25T${clock}:00Z`)),
  )

  expect(quiet).toEqual([false, true, true, true, true, false])
})

test('the clock and the day are those of the member, not of this machine', () => {
  const hours = { days, quiet_hours: { start: '20:00', end: '08:00' } }
  const fridayInLisbon = at('2026-11-27T19:30:00Z')

  expect(isQuiet(hours, 'Europe/Lisbon', fridayInLisbon)).toBe(false)
  expect(isQuiet(hours, 'Europe/Berlin', fridayInLisbon)).toBe(true)
  expect(isQuiet({ ...hours, quiet_hours: null }, 'Pacific/Auckland', fridayInLisbon)).toBe(true) // Saturday there
})

test('who has no quiet hours is left alone on days off only', () => {
  expect(isQuiet({ days, quiet_hours: null }, 'UTC', at('2026-11-25T03:00:00Z'))).toBe(false)
  expect(isQuiet({ days, quiet_hours: null }, 'UTC', at('2026-11-28T12:00:00Z'))).toBe(true)
})
