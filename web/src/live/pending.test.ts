import { QueryClient } from '@tanstack/react-query'
import { beforeEach, describe, expect, it } from 'vitest'
import { keys } from '../api/queries'
import type { Expectation } from '../api/types'
import { apply, type Change as Told } from './changes'
import type { Focus } from './focus'
import { laidOver, Ledger, type Act } from './pending'
import { versions } from './versions'

const MINE = expectation('mine', 'alex', 'Fix the login', 3)
const THEIRS = expectation('theirs', 'maria', 'Interview notes', 1)

function expectation(id: string, user: string, title: string, version = 1): Expectation {
  return {
    id,
    team_id: 'team',
    user_id: user,
    user: { id: user, name: user, avatar_url: null },
    title,
    estimated_completion: null,
    is_done: false,
    done_at: null,
    archived_at: null,
    version,
    created_at: '2026-11-28T09:00:00Z',
    updated_at: '2026-11-28T09:00:00Z',
  }
}

const publish = (key: string, title: string): Act => ({
  kind: 'publish',
  key,
  draft: { text: title, pick: null, kept: null },
  expectation: expectation(key, 'alex', title, 0),
})

/** A page that shows `items`, hears events, and has acts on their way. */
class Page {
  readonly cache = new QueryClient()
  readonly ledger = new Ledger()
  acts: Act[] = []

  constructor(items: Expectation[]) {
    this.cache.setQueryData<Focus>(keys.focus, { items: versions.current(items, () => undefined), asOf: null })
  }

  hear(eventType: Told['eventType'], row: Expectation): boolean {
    return apply(this.cache, { table: 'expectations', eventType, new: row, old: row })
  }

  /** The answer of the oldest act, which is then not pending any more. */
  answer(row: Expectation): void {
    const act = this.acts.shift()
    if (act === undefined) throw new Error('nothing was asked for')
    this.ledger.enter(act.expectation, row)
    this.hear('UPDATE', row)
  }

  get shown(): string[] {
    const items = this.cache.getQueryData<Focus>(keys.focus)?.items ?? []
    return laidOver(items, this.acts, this.ledger).map(({ id, title, version }) => `${id} ${version} ${title}`)
  }
}

beforeEach(() => {
  versions.of('nobody')
  versions.of('alex')
})

describe('what was published', () => {
  it('is shown at once, and once, when the answer comes before its event', () => {
    const page = new Page([THEIRS])
    page.acts = [publish('key', 'New')]
    expect(page.shown).toEqual(['theirs 1 Interview notes', 'key 0 New'])
    page.answer(expectation('real', 'alex', 'New'))
    expect(page.shown).toEqual(['theirs 1 Interview notes', 'real 1 New'])
    expect(page.hear('INSERT', expectation('real', 'alex', 'New'))).toBe(false)
    expect(page.shown).toEqual(['theirs 1 Interview notes', 'real 1 New'])
  })

  it('is shown once when its event comes before the answer', () => {
    const page = new Page([THEIRS])
    page.acts = [publish('key', 'New')]
    page.hear('INSERT', expectation('real', 'alex', 'New'))
    expect(page.shown).toEqual(['theirs 1 Interview notes', 'real 1 New'])
    page.answer(expectation('real', 'alex', 'New'))
    expect(page.shown).toEqual(['theirs 1 Interview notes', 'real 1 New'])
  })

  it('is gone from its place when it is refused', () => {
    const page = new Page([THEIRS])
    page.acts = [publish('key', 'New')]
    page.acts = []
    expect(page.shown).toEqual(['theirs 1 Interview notes'])
  })

  it('can be changed and done before anybody has answered', () => {
    const page = new Page([])
    const act = publish('key', 'New')
    page.acts = [act, { kind: 'change', expectation: act.expectation, title: 'Newer' }]
    expect(page.shown).toEqual(['key 0 Newer'])
    page.acts.push({ kind: 'complete', expectation: act.expectation })
    expect(page.shown).toEqual([])
    page.hear('INSERT', expectation('real', 'alex', 'New'))
    expect(page.shown).toEqual([])
    page.answer(expectation('real', 'alex', 'New'))
    expect(page.shown).toEqual([])
    expect([page.ledger.id('key'), page.ledger.version(act.expectation)]).toEqual(['real', 1])
  })
})

describe('what was changed', () => {
  it('is not taken back by an older event that comes after the answer', () => {
    const page = new Page([MINE])
    page.acts = [{ kind: 'change', expectation: MINE, title: 'Mended' }]
    page.answer({ ...MINE, title: 'Mended', version: 5 })
    expect(page.hear('UPDATE', { ...MINE, title: 'Of an admin', version: 4 })).toBe(false)
    expect(page.shown).toEqual(['mine 5 Mended'])
  })

  it('keeps what others change meanwhile', () => {
    const page = new Page([MINE])
    page.acts = [{ kind: 'change', expectation: MINE, estimated_completion: '2026-11-28T17:00:00Z' }]
    page.hear('UPDATE', { ...MINE, title: 'Of an admin', version: 4 })
    expect(page.shown).toEqual(['mine 4 Of an admin'])
  })

  it('shows what the server has when it is refused', () => {
    const page = new Page([MINE])
    page.acts = [{ kind: 'change', expectation: MINE, title: 'Mended' }]
    page.hear('UPDATE', { ...MINE, title: 'Of an admin', version: 4 })
    page.acts = []
    expect(page.shown).toEqual(['mine 4 Of an admin'])
  })

  it('is sent for the version that an own earlier change made', () => {
    const entered = new Ledger()
    entered.enter(MINE, { ...MINE, version: 4 })
    entered.enter(MINE, { ...MINE, version: 5 })
    expect(entered.version(MINE)).toBe(5)
    expect(entered.version({ ...MINE, version: 7 })).toBe(7)
  })
})

describe('what was done or deleted', () => {
  it('leaves at once, and comes back to its place when it is refused', () => {
    const page = new Page([MINE, THEIRS])
    page.acts = [{ kind: 'complete', expectation: MINE }]
    expect(page.shown).toEqual(['theirs 1 Interview notes'])
    page.acts = []
    expect(page.shown).toEqual(['mine 3 Fix the login', 'theirs 1 Interview notes'])
  })

  it('does not come back with an older event', () => {
    const page = new Page([MINE])
    page.acts = [{ kind: 'complete', expectation: MINE }]
    page.answer({ ...MINE, is_done: true, version: 5 })
    page.hear('UPDATE', { ...MINE, version: 4 })
    expect(page.shown).toEqual([])
  })

  it('comes back once when it is reopened, whichever is first', () => {
    const page = new Page([MINE])
    page.hear('UPDATE', { ...MINE, is_done: true, version: 4 })
    page.acts = [{ kind: 'reopen', expectation: MINE }]
    expect(page.shown).toEqual(['mine 3 Fix the login'])
    page.hear('UPDATE', { ...MINE, version: 5 })
    expect(page.shown).toEqual(['mine 5 Fix the login'])
    page.answer({ ...MINE, version: 5 })
    expect(page.shown).toEqual(['mine 5 Fix the login'])
  })
})
