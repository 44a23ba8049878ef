/**
 * What can be done with an expectation. Each act is seen at once (live/pending.ts), sent at once and in order, and kept while
 * the server cannot be reached, over a reload of the page too. What it did can be undone, which is an act of its own.
 */
import { useMutationState, useQueryClient, type Mutation, type QueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useMemo } from 'react'
import { intent } from '../api/client'
import { ApiError } from '../api/problem'
import { keys, useMe } from '../api/queries'
import type { Expectation } from '../api/types'
import { useApi } from '../app/providers'
import { withUser, type Change as Told } from '../live/changes'
import { now } from '../live/clock'
import type { Focus } from '../live/focus'
import { useConnection } from '../live/live'
import { ledger, type Act, type Change, type Draft, type Publish } from '../live/pending'
import { useSession } from '../session/session'
import { toast, toastWithUndo } from '../ui/toasts'
import { useLanguage, useWords, type Words } from '../words/words'
import { punctuality, whenWords } from './when'
import { send } from './send'

export interface Acts {
  /** Make this what I am on. The draft is given back when it is refused. */
  publish: (title: string, at: Date | null, draft?: Draft) => void
  rename: (expectation: Expectation, title: string) => void
  move: (expectation: Expectation, to: Date | null) => void
  /** Change my active one into what was refused because of it. */
  replace: (expectation: Expectation, by: Publish) => void
  complete: (expectation: Expectation) => void
  withdraw: (expectation: Expectation) => void
}

const MAX_RETRY_MS = 10_000
const MAX_RACES = 3
/** Until it can be sent, a time that is undone must still be to come. */
const UNDO_MS = 15_000

/** The acts, for any expectation that the member may change: their own, and everybody's for admins. */
export function useActs(): Acts {
  const perform = usePerform()
  const { userId } = useSession()
  const teamId = useMe().data?.team?.id ?? ''
  const cache = useQueryClient()
  const words = useWords()
  const language = useLanguage()
  return useMemo(() => {
    const undoable = (act: Act, text: string, undo: () => void) => {
      const close = toastWithUndo(text, words.focus.undo, undo)
      void perform(act).then((done) => done || close())
    }
    const publish = (title: string, at: Date | null, draft = chosen(title, at)) =>
      void perform(publication(cache, userId, teamId, title, at, draft))
    const change = (expectation: Expectation, set: Omit<Change, 'kind' | 'expectation'>, text: string) => {
      const act: Change = { kind: 'change', expectation, ...set }
      const { title, estimated_completion: estimate } = expectation
      const before = {
        ...(set.title !== undefined && { title }),
        ...(set.estimated_completion !== undefined && { estimated_completion: estimate }),
      }
      if (set.estimated_completion === undefined || isToCome(estimate)) {
        undoable(act, text, () => void perform({ kind: 'change', expectation, ...before }))
      } else {
        void perform(act)
        toast({ text })
      }
    }
    return {
      publish,
      rename: (expectation, title) => change(expectation, { title }, words.focus.renamed),
      move: (expectation, to) =>
        change(
          expectation,
          { estimated_completion: to?.toISOString() ?? null },
          to === null
            ? words.focus.timeRemoved
            : words.focus.moved(whenWords(to, new Date(now()), language, words.time)),
        ),
      replace: (expectation, { expectation: { title, estimated_completion } }) =>
        change(expectation, { title, estimated_completion }, words.focus.replaced),
      complete: (expectation) => {
        const act: Act = { kind: 'complete', expectation }
        const text = punctuality(expectation, now(), words)
        if (expectation.user_id === userId) {
          undoable(act, text, () => void perform({ kind: 'reopen', expectation }))
        } else {
          void perform(act).then((done) => done && toast({ text: words.focus.completedFor(expectation.user.name) }))
        }
      },
      withdraw: (expectation) => {
        const act: Act = { kind: 'withdraw', expectation }
        const { title, estimated_completion: estimate } = expectation
        if (expectation.user_id === userId) {
          const at = estimate !== null && isToCome(estimate) ? new Date(estimate) : null
          undoable(act, words.focus.deleted, () => publish(title, at))
        } else {
          void perform(act).then((done) => done && toast({ text: words.focus.deletedFor(expectation.user.name) }))
        }
      },
    }
  }, [perform, userId, teamId, cache, words, language])
}

function isToCome(estimate: string | null): boolean {
  return estimate === null || Date.parse(estimate) > now() + UNDO_MS
}

/** What would have been chosen to say the same. */
function chosen(title: string, at: Date | null): Draft {
  return { text: title, pick: at && { at: at.toISOString() }, kept: null }
}

function publication(
  cache: QueryClient,
  userId: string,
  teamId: string,
  title: string,
  at: Date | null,
  draft: Draft,
): Publish {
  const key = intent()
  const created = new Date(now()).toISOString()
  const row = {
    id: key,
    team_id: teamId,
    user_id: userId,
    title,
    estimated_completion: at?.toISOString() ?? null,
    is_done: false,
    done_at: null,
    archived_at: null,
    version: 0,
    created_at: created,
    updated_at: created,
  }
  return { kind: 'publish', key, expectation: withUser(cache, row), draft }
}

/** Sends acts one after the other, and says whether it was done; what the server refuses is said where it was asked for, or in a toast. */
function usePerform(): (act: Act) => Promise<boolean> {
  const api = useApi()
  const session = useSession()
  const connection = useConnection()
  const cache = useQueryClient()
  const words = useWords()
  return useMemo(() => {
    const perform = (act: Act): Promise<boolean> => {
      const mutation = cache.getMutationCache().build<Expectation | null, Error, Act, unknown>(cache, {
        mutationKey: keys.acts,
        scope: { id: 'acts' },
        networkMode: 'online',
        mutationFn: (asked) => send(api, session, asked),
        retry: (count, error) => isUnreachable(error) || (finishedMeanwhile(error) && count < MAX_RACES),
        retryDelay: (count) => Math.min(500 * 2 ** count, MAX_RETRY_MS),
        onSuccess: (answer) => {
          if (answer !== null) ledger.enter(act.expectation, answer)
          connection.hear(told(act, answer))
        },
        onError: (error) => {
          void cache.invalidateQueries({ queryKey: keys.focus })
          if (isSessionEnded(error)) return // sent after the next sign-in
          if (act.kind === 'publish' && location.pathname === '/') return // shown at its field
          const again = () => void perform({ ...act, expectation: current(cache, act.expectation) })
          toast({
            text: words.focus.notSaved(reason(error, words)),
            problem: true,
            ...(mayHelp(error) && { actions: [{ words: words.api.retry, act: again }] }),
          })
        },
      })
      return mutation.execute(act).then(
        () => true,
        () => false, // onError has said it
      )
    }
    return perform
  }, [api, session, connection, cache, words])
}

function told(act: Act, answer: Expectation | null): Told {
  const old = { ...act.expectation, id: ledger.id(act.expectation.id) }
  const row = answer ?? { ...old, version: Number.MAX_SAFE_INTEGER }
  const eventType = act.kind === 'publish' ? 'INSERT' : act.kind === 'withdraw' ? 'DELETE' : 'UPDATE'
  return { table: 'expectations', eventType, new: row, old: eventType === 'DELETE' ? row : old }
}

function current(cache: QueryClient, seen: Expectation): Expectation {
  return cache.getQueryData<Focus>(keys.focus)?.items.find(({ id }) => id === ledger.id(seen.id)) ?? seen
}

/** Nothing came back, so that nobody knows whether it was done: it is sent until something does. */
function isUnreachable(error: unknown): boolean {
  return error instanceof ApiError && error.passing && error.status !== 503
}

function isSessionEnded(error: unknown): boolean {
  return error instanceof ApiError && error.slug === 'session-ended'
}

/** The active one that was in the way has been finished between the refusal and the look at it. */
function finishedMeanwhile(error: unknown): boolean {
  return error instanceof ApiError && error.slug === 'active-expectation-exists' && error.problem?.active === null
}

function mayHelp(error: unknown): boolean {
  return (
    !(error instanceof ApiError) ||
    ['version-mismatch', 'too-many-requests'].includes(error.slug) ||
    error.status >= 500
  )
}

/** Why something was refused, in the member's words. */
export function reason(error: unknown, words: Words): string {
  if (!(error instanceof ApiError)) return words.api.unknown
  const why = words.api.problems[error.slug] ?? words.api.unknown
  return error.retryAfter === null ? why : `${why} ${words.api.waits(error.retryAfter)}`
}

/** What I wanted to publish and what refused it, newest, until it is dismissed. */
export function useRefused(): { act: Publish; error: unknown; dismiss: () => void } | null {
  const cache = useQueryClient()
  const refused = useMutationState({
    filters: {
      mutationKey: keys.acts,
      status: 'error',
      predicate: ({ state }) => (state.variables as Act).kind === 'publish',
    },
    select: (mutation) => mutation,
  }).at(-1)
  return useMemo(
    () =>
      refused === undefined
        ? null
        : {
            act: refused.state.variables as Publish,
            error: refused.state.error,
            dismiss: () => cache.getMutationCache().remove(refused),
          },
    [refused, cache],
  )
}

/** Whether something could not be sent yet and is kept. */
export function useWaiting(): boolean {
  return useMutationState({
    filters: { mutationKey: keys.acts, status: 'pending' },
    select: ({ state }) => state.failureCount > 0 || (state.isPaused && !navigator.onLine),
  }).includes(true)
}

/** Keeps what is not answered yet for this window's next page load, and sends what the last one kept. */
export function useKeptActs(): void {
  const cache = useQueryClient()
  const { userId } = useSession()
  const key = `acts:${userId}`
  const resume = useEffectEvent(usePerform())
  useEffect(() => {
    for (const act of kept(key)) void resume(act)
    const mutations = cache.getMutationCache()
    return mutations.subscribe(() => {
      const unanswered = ({ state }: Mutation) => state.status === 'pending' || isSessionEnded(state.error)
      const pending = mutations.findAll({ mutationKey: keys.acts, predicate: unanswered })
      keep(
        key,
        pending.map(({ state }) => state.variables as Act),
      )
    })
  }, [cache, key])
}

function kept(key: string): Act[] {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '[]') as Act[]
  } catch {
    return [] // storage is off
  }
}

function keep(key: string, acts: Act[]): void {
  try {
    if (acts.length > 0) sessionStorage.setItem(key, JSON.stringify(acts))
    else sessionStorage.removeItem(key)
  } catch {
    // Storage is off: they are kept until the page is closed.
  }
}
