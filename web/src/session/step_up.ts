import { ApiError } from '../api/problem'
import type { Session } from './session'

/** The member did not prove the second factor that the server asked for. */
export class NotVerified extends ApiError {
  constructor({ status, slug, problem, retryAfter, traceId }: ApiError) {
    super(status, slug, problem, retryAfter, traceId)
  }
}

/** Make the call; where the server asks for a second factor, have the member prove it and make the call again, once. */
export async function withSecondFactor<Answer>(session: Session, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof ApiError && error.slug === 'second-factor-required')) throw error
    if (!(await session.verify())) throw new NotVerified(error)
  }
  return call()
}
