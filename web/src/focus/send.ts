/** Ask the api for an act, in a way that may be repeated when no answer came. */
import { data, type Api } from '../api/client'
import { ApiError } from '../api/problem'
import type { Expectation } from '../api/types'
import { ledger, wanted, type Act, type Change } from '../live/pending'
import type { Session } from '../session/session'
import { withSecondFactor } from '../session/step_up'

/** Send it; who acts for others proves a second factor first where the api asks for it. Resolves to null when it is deleted. */
export function send(api: Api, session: Session, act: Act): Promise<Expectation | null> {
  return withSecondFactor(session, () => ask(api, act))
}

async function ask(api: Api, act: Act): Promise<Expectation | null> {
  if (act.kind === 'publish') {
    const { title, estimated_completion } = act.expectation
    return data(
      api.POST('/api/v1/expectations', {
        params: { header: { 'Idempotency-Key': act.key } },
        body: { title, estimated_completion },
      }),
    )
  }
  const version = ledger.version(act.expectation)
  const params = {
    path: { expectation_id: ledger.id(act.expectation.id) },
    header: version === null ? {} : { 'If-Match': `"${version}"` },
  }
  switch (act.kind) {
    case 'change':
      return change(api, act, params)
    case 'complete':
      return data(api.POST('/api/v1/expectations/{expectation_id}/complete', { params }))
    case 'reopen':
      return data(api.POST('/api/v1/expectations/{expectation_id}/reopen', { params }))
    case 'withdraw':
      await api.DELETE('/api/v1/expectations/{expectation_id}', { params }).catch(unless('not-found'))
      return null
  }
}

interface OfOne {
  path: { expectation_id: string }
  header: { 'If-Match'?: string }
}

async function change(api: Api, act: Change, params: OfOne): Promise<Expectation> {
  const path = '/api/v1/expectations/{expectation_id}'
  try {
    return await data(api.PATCH(path, { params, body: wanted(act) }))
  } catch (error) {
    if (!(error instanceof ApiError) || error.slug !== 'version-mismatch') throw error
    // The answer to an earlier attempt may have been lost on its way.
    const current = await data(api.GET(path, { params: { path: params.path } }))
    if (!isSo(current, act)) throw error
    return current
  }
}

function isSo(current: Expectation, { title, estimated_completion: estimate }: Change): boolean {
  const time = (text: string | null) => (text === null ? null : Date.parse(text))
  return (
    (title === undefined || title === current.title) &&
    (estimate === undefined || time(estimate) === time(current.estimated_completion))
  )
}

/** Take that refusal for a success. */
function unless(slug: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof ApiError) || error.slug !== slug) throw error
  }
}
