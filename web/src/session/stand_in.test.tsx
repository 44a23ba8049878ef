import { act, cleanup, render, waitFor } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useSessionState, type Session, type SessionState } from './session'
import { Provider } from './stand_in'

vi.hoisted(() => {
  // The page's configuration is read once, as modules are loaded.
  document.body.innerHTML = '<script type="application/json" id="config">{"stand_in_url":"http://stand-in"}</script>'
})

const LIFETIME_S = 60
const HOUR = 3_600_000

let made: number
let sessionLives: boolean

/** The stand-in, whose own clock is right: its tokens live for a minute from now on. */
function answer(url: string): Promise<Response> {
  if (!sessionLives) return Promise.resolve(new Response(null, { status: 404 }))
  if (url.endsWith('/verify')) return Promise.resolve(new Response(null, { status: 204 }))
  made += 1
  const iat = Math.floor(RIGHT_NOW / 1000)
  const claims = { sub: 'user_alex', iat, exp: iat + LIFETIME_S, number: made }
  return Promise.resolve(Response.json({ jwt: `header.${btoa(JSON.stringify(claims))}.signature` }))
}

const RIGHT_NOW = Date.parse('2026-11-25T09:00:00Z')

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  made = 0
  sessionLives = true
  localStorage.setItem('stand-in-session', 'sess_1')
  vi.stubGlobal('fetch', vi.fn(answer))
})

afterEach(() => {
  cleanup()
  vi.useRealTimers()
  vi.unstubAllGlobals()
  localStorage.clear()
  sessionStorage.clear()
})

function Reader({ read }: { read: (state: SessionState) => void }) {
  read(useSessionState())
  return null
}

/** The session of a page whose machine's clock shows that. */
async function signedInAt(clock: number): Promise<{ session: Session; state: () => SessionState }> {
  vi.setSystemTime(clock)
  let state: SessionState = 'loading'
  render(
    <Provider>
      <Reader read={(now) => (state = now)} />
    </Provider>,
  )
  await waitFor(() => expect(state).not.toBe('loading'))
  return { session: state as unknown as Session, state: () => state }
}

for (const [words, wrong] of [
  ['two hours fast', 2 * HOUR],
  ['two hours slow', -2 * HOUR],
] as const) {
  test(`with a clock that is ${words}, a token serves until shortly before its end`, async () => {
    const { session } = await signedInAt(RIGHT_NOW + wrong)
    const first = await session.token()

    vi.advanceTimersByTime((LIFETIME_S - 20) * 1000)
    const later = await session.token()
    vi.advanceTimersByTime(10_000)
    const last = await session.token()

    expect(later).toBe(first)
    expect(last).not.toBe(first)
    expect(made).toBe(2)
  })
}

test('a clock that is set back while the page is open keeps no old token', async () => {
  const { session } = await signedInAt(RIGHT_NOW + 2 * HOUR)
  const first = await session.token()

  vi.advanceTimersByTime(LIFETIME_S * 1000)
  vi.setSystemTime(RIGHT_NOW)

  expect(await session.token()).not.toBe(first)
})

test('after the second factor the next token is a new one, which knows of it', async () => {
  const { session } = await signedInAt(RIGHT_NOW)
  const first = await session.token()

  expect(await session.verify()).toBe(true)

  expect(await session.token()).not.toBe(first)
})

test('a session that has ended gives no token, and the page knows', async () => {
  const { session, state } = await signedInAt(RIGHT_NOW)
  sessionLives = false

  await act(async () => expect(await session.token({ fresh: true })).toBeNull())

  expect(state()).toBe('signed-out')
  expect(localStorage.getItem('stand-in-session')).toBeNull()
})
