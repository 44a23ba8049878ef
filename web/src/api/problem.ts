/** An answer that is no success, or none at all, as one kind of error. */
import type { Problem } from './types'

export class ApiError extends Error {
  override name = 'ApiError'

  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    /** The last part of the problem's type, such as `active-expectation-exists`; see /problems. */
    readonly slug: string,
    readonly problem: Problem | null,
    /** Seconds that the server asks to wait. */
    readonly retryAfter: number | null,
    /** To quote when something of ours is broken. */
    readonly traceId: string | null,
  ) {
    super(problem?.detail ?? slug)
  }

  /** Whether the same request may succeed later: the server or the way to it was away. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 502 || this.status === 503 || this.status === 504
  }
}

export async function problemOf(response: Response): Promise<ApiError> {
  const problem = await body(response)
  const slug = problem?.type?.split('/').at(-1) ?? `http-${response.status}`
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN)
  const trace = problem?.trace_id ?? problem?.request_id ?? response.headers.get('x-request-id')
  return new ApiError(
    response.status,
    slug,
    problem,
    Number.isFinite(wait) ? wait : null,
    typeof trace === 'string' ? trace : null,
  )
}

async function body(response: Response): Promise<Problem | null> {
  if (!response.headers.get('content-type')?.includes('json')) return null // a proxy's own page
  try {
    return (await response.json()) as Problem
  } catch {
    return null
  }
}
