/**
 * What this window has asked for and nobody has answered yet, laid over what the server has said. So a change is seen at
 * once, a refused one is gone from its place without anything to restore, and what is fetched meanwhile hides neither.
 */
import type { Expectation } from '../api/types'

interface OfOne<Kind extends string> {
  kind: Kind
  /** As it was seen when it was asked for. */
  expectation: Expectation
}

export interface Publish {
  kind: 'publish'
  /** The Idempotency-Key, and the expectation's id until the server has given it one. */
  key: string
  expectation: Expectation
  draft: Draft
}

/** The line as it was typed, and what was chosen beside it: given back if it is refused. */
export interface Draft {
  text: string
  /** A time that was chosen, counted from when it is sent, or fixed; it counts more than one in the text. */
  pick: { in: number } | { at: string } | null
  /** Words that are no time, though they look like one. */
  kept: string | null
}

export interface Change extends OfOne<'change'> {
  title?: string
  estimated_completion?: string | null
}

export type Act = Publish | Change | OfOne<'complete'> | OfOne<'withdraw'> | OfOne<'reopen'>

/** Which id and version the server has given to what this window asked for. */
export class Ledger {
  readonly #ids = new Map<string, string>()
  readonly #versions = new Map<string, number>()

  /** The server answered an act on `seen` with `answered`. */
  enter(seen: Expectation, answered: Expectation): void {
    if (seen.id !== answered.id) this.#ids.set(seen.id, answered.id)
    const from = this.#version(answered.id, seen.id === answered.id ? seen.version : 0)
    if (from !== answered.version) this.#versions.set(`${answered.id} ${from}`, answered.version)
  }

  id(seen: string): string {
    return this.#ids.get(seen) ?? seen
  }

  /** Its version after this window's own acts on what was seen; null when the page has never known it. */
  version(seen: Expectation): number | null {
    const version = this.#version(this.id(seen.id), seen.version)
    return version === 0 ? null : version
  }

  #version(id: string, seen: number): number {
    let version = seen
    for (let next = this.#versions.get(`${id} ${version}`); next !== undefined;) {
      version = next
      next = this.#versions.get(`${id} ${version}`)
    }
    return version
  }
}

export const ledger = new Ledger()

/** The list as it will be when these acts, oldest first, are done. */
export function laidOver(items: Expectation[], acts: Act[], entered: Pick<Ledger, 'id'> = ledger): Expectation[] {
  const aliases = new Map<string, string>()
  const idOf = ({ id }: Expectation) => entered.id(aliases.get(id) ?? id)
  return acts.reduce((list, act) => {
    const id = idOf(act.expectation)
    switch (act.kind) {
      case 'publish':
      case 'reopen': {
        // The event of this very act may have come before its answer; nobody has two.
        const active = list.find(({ user_id }) => user_id === act.expectation.user_id)
        if (active === undefined) return [...list, { ...act.expectation, is_done: false, done_at: null }]
        if (active.id !== act.expectation.id) aliases.set(act.expectation.id, active.id)
        return list
      }
      case 'change':
        return list.map((item) => (item.id === id ? { ...item, ...wanted(act) } : item))
      case 'complete':
      case 'withdraw':
        return list.filter((item) => item.id !== id)
    }
  }, items)
}

/** What the change sets; what it leaves out stays. */
export function wanted({ title, estimated_completion }: Change): Partial<Expectation> {
  return {
    ...(title !== undefined && { title }),
    ...(estimated_completion !== undefined && { estimated_completion }),
  }
}
