/**
 * The one way to the REST API. Calls are typed by our OpenAPI document; every refusal is thrown as an ApiError.
 * A token that was refused is renewed once; who has no session any more is told through `sessionEnded`.
 */
import createClient, { type Middleware } from 'openapi-fetch'
import { observe } from '../live/clock'
import type { Session } from '../session/session'
import { ApiError, problemOf } from './problem'
import type { paths } from './schema'

const TIMEOUT_MS = 15_000

export type Api = ReturnType<typeof apiOf>

export function apiOf(session: Session, sessionEnded: () => void) {
  const send = async (request: Request, fresh: boolean) => {
    const token = await session.token({ fresh })
    if (token === null) {
      sessionEnded()
      throw new ApiError(401, 'session-ended', null, null, null)
    }
    const headers = new Headers(request.headers)
    headers.set('authorization', `Bearer ${token}`)
    return fetch(
      new Request(request, { headers, signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT_MS)]) }),
    )
  }

  const authorized = async (request: Request) => {
    const sent = performance.now()
    try {
      const again = request.clone()
      let answer = await send(request, false)
      if (answer.status === 401) answer = await send(again, true)
      observe(answer.headers.get('date'), performance.now() - sent)
      return answer
    } catch (error) {
      if (error instanceof ApiError || (error instanceof DOMException && error.name === 'AbortError')) throw error
      throw new ApiError(0, 'no-answer', null, null, null)
    }
  }

  const client = createClient<paths>({ baseUrl: location.origin, fetch: authorized, cache: 'no-cache' })
  client.use(throwing)
  return client
}

const throwing: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response)
  },
}

/** The body of an answer that is a success, because every other one was thrown. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T
}

/** A key for one intent: however often its request is sent, the server acts once. */
export function intent(): string {
  return crypto.randomUUID()
}
