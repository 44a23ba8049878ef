import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { apiOf } from '../api/client'
import type { Expectation } from '../api/types'
import type { Act } from '../live/pending'
import { send } from './send'

const MINE = { id: 'mine', user_id: 'alex', title: 'Old', estimated_completion: null, version: 3 } as Expectation
const RENAME: Act = { kind: 'change', expectation: MINE, title: 'New' }

const asked: string[] = []
let answers: [status: number, body: unknown][] = []
const session = {
  userId: 'alex',
  teamId: null,
  token: (options?: { fresh?: boolean }) => Promise.resolve(options?.fresh ? 'fresh' : 'token'),
  signOut: () => Promise.resolve(),
  verify: vi.fn(() => Promise.resolve(true)),
}
const api = apiOf(session, () => undefined)

const problem = (slug: string) => ({ type: `/problems/${slug}`, title: '', status: 400 })

beforeEach(() => {
  asked.length = 0
  session.verify.mockClear()
  vi.stubGlobal('fetch', (request: Request) => {
    const { pathname } = new URL(request.url)
    const key = request.headers.get('idempotency-key') ?? request.headers.get('if-match') ?? ''
    asked.push(`${request.method} ${pathname.replace('/api/v1/expectations', '')} ${key}`.trim())
    const [status, body] = answers.shift() ?? [500, problem('unexpected')]
    const content = status === 204 ? null : JSON.stringify(body)
    return Promise.resolve(new Response(content, { status, headers: { 'content-type': 'application/json' } }))
  })
})

afterEach(() => vi.unstubAllGlobals())

it('takes a change for saved whose first answer was lost on its way', async () => {
  answers = [
    [412, problem('version-mismatch')],
    [200, { ...MINE, title: 'New', version: 4 }],
  ]
  await expect(send(api, session, RENAME)).resolves.toMatchObject({ title: 'New', version: 4 })
  expect(asked).toEqual(['PATCH /mine "3"', 'GET /mine'])
})

it('refuses a change of what somebody else has changed meanwhile', async () => {
  answers = [
    [412, problem('version-mismatch')],
    [200, { ...MINE, title: 'Of an admin', version: 4 }],
  ]
  await expect(send(api, session, RENAME)).rejects.toMatchObject({ slug: 'version-mismatch' })
})

it('takes what is not there any more for deleted', async () => {
  answers = [[404, problem('not-found')]]
  await expect(send(api, session, { kind: 'withdraw', expectation: MINE })).resolves.toBeNull()
})

it('asks an admin for the second factor, then repeats the act', async () => {
  answers = [
    [403, problem('second-factor-required')],
    [200, { ...MINE, is_done: true, version: 4 }],
  ]
  await expect(send(api, session, { kind: 'complete', expectation: MINE })).resolves.toMatchObject({ version: 4 })
  expect(session.verify).toHaveBeenCalledOnce()
  expect(asked).toEqual(['POST /mine/complete "3"', 'POST /mine/complete "3"'])
})

it('does nothing when the admin gives the second factor up', async () => {
  session.verify.mockResolvedValueOnce(false)
  answers = [[403, problem('second-factor-required')]]
  await expect(send(api, session, { kind: 'complete', expectation: MINE })).rejects.toMatchObject({ status: 403 })
})

it('publishes with the same key however often it is sent', async () => {
  const draft = { text: 'New', pick: null, kept: null }
  const act: Act = { kind: 'publish', key: 'key', draft, expectation: { ...MINE, id: 'key', version: 0 } }
  answers = [
    [503, problem('database-away')],
    [201, { ...MINE, id: 'real', version: 1 }],
  ]
  await expect(send(api, session, act)).rejects.toMatchObject({ status: 503 })
  await send(api, session, act)
  expect(asked).toEqual(['POST  key', 'POST  key'])
})
