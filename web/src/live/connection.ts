/**
 * The one realtime connection of this window: Supabase's client as it is, its two channels, and what is done when it
 * breaks. What it hears goes into the query cache (changes.ts) and to whoever listens.
 */
import { REALTIME_CHANNEL_STATES as CHANNEL_STATES, RealtimeClient, type RealtimeChannel } from '@supabase/realtime-js'
import type { QueryClient } from '@tanstack/react-query'
import { keys } from '../api/queries'
import type { Session } from '../session/session'
import { apply, type Change } from './changes'

/** A break that heals within a second is nobody's business. */
const PATIENCE_MS = 1000
const LOAD_AGAIN = 'Load again:'
const RETRY_MS = 1000
/** A timer that is so late has slept with the machine, and its socket may be dead without saying so. */
const SLEPT_MS = 20_000
const WATCH_MS = 5000
/** How long the gateway has to say that it is there, after sleep or another network. */
const PROOF_MS = 3000

export type Status = 'connecting' | 'live' | 'reconnecting' | 'offline'

export interface Announcement {
  event: string
  payload: Record<string, unknown>
}

interface Listeners {
  status: Set<() => void>
  presence: Set<() => void>
  change: Set<(change: Change) => void>
  announcement: Set<(announcement: Announcement) => void>
}

/** Why the gateway has closed a channel for good. */
export type Ending = 'session-ended' | 'removed'

export class Connection {
  status: Status = 'connecting'
  /** When the connection was lost, by this machine's clock; null while it is there. */
  lostAt: number | null = null
  /** Ids of the members who have a window open. */
  here: ReadonlySet<string> = new Set()

  readonly #session: Session
  readonly #cache: QueryClient
  readonly #whyEnded: () => Promise<Ending | null>
  #ended: (why: Ending) => void = () => undefined
  readonly #client: RealtimeClient
  readonly #listeners: Listeners = {
    status: new Set(),
    presence: new Set(),
    change: new Set(),
    announcement: new Set(),
  }
  #team: RealtimeChannel | null = null
  #patience: ReturnType<typeof setTimeout> | undefined
  #proof: ReturnType<typeof setTimeout> | undefined
  #again: ReturnType<typeof setTimeout> | undefined
  #watch: ReturnType<typeof setInterval> | undefined
  /** Which start this is; null while stopped. What began under another one ends. */
  #run: symbol | null = null

  /** `whyEnded` looks whether the member is still one, when the gateway has shown them out. */
  constructor(session: Session, cache: QueryClient, whyEnded: () => Promise<Ending | null>) {
    this.#session = session
    this.#cache = cache
    this.#whyEnded = whyEnded
    this.#client = new RealtimeClient(`${location.origin.replace(/^http/, 'ws')}/realtime/v1`, {
      params: { apikey: 'public', session: crypto.randomUUID() },
      accessToken: () => session.token().catch(() => null),
    })
    this.#client.onHeartbeat((status) => status === 'ok' && this.#proved())
  }

  /** Connect; `ended` is told when the gateway has closed the channel for good. */
  async start(ended: (why: Ending) => void): Promise<void> {
    const run = Symbol()
    this.#run = run
    this.#ended = ended
    addEventListener('online', this.#back)
    addEventListener('offline', this.#offline)
    document.addEventListener('visibilitychange', this.#back)
    this.#watchSleep()
    // Also where the first join never gets an answer.
    this.#lost()
    // The client joins without a token unless it has had one before.
    await this.#client.setAuth()
    if (this.#run === run) this.#join()
  }

  stop(): void {
    this.#run = null
    removeEventListener('online', this.#back)
    removeEventListener('offline', this.#offline)
    document.removeEventListener('visibilitychange', this.#back)
    for (const timer of [this.#patience, this.#proof, this.#again]) clearTimeout(timer)
    this.#patience = undefined
    clearInterval(this.#watch)
    void this.#leave()
  }

  /** Be told of every `kind` until the returned function is called. */
  on<Kind extends keyof Listeners>(kind: Kind, listener: Listeners[Kind] extends Set<infer L> ? L : never): () => void {
    const listeners = this.#listeners[kind] as Set<typeof listener>
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  #join(): void {
    const team = this.#client.channel('expectations:active')
    for (const table of ['expectations', 'users', 'memberships']) {
      team.on('postgres_changes', { event: '*', schema: 'public', table }, (change) => this.hear(change as never))
    }
    team
      .on('system', {}, (message: { message?: string }) => this.#placed(message.message ?? ''))
      .on('presence', { event: 'sync' }, () => this.#synced(team))
      .subscribe((status) => this.#changed(team, status))
    this.#team = team
    this.#client
      .channel(`expectations:user:${this.#session.userId}`)
      .on('broadcast', { event: '*' }, (message) => this.#announced(message as unknown as Announcement))
      .subscribe()
  }

  #leave(): Promise<unknown> {
    this.#team = null // what it says from here on is about itself
    return this.#client.removeAllChannels()
  }

  #changed(channel: RealtimeChannel, status: string): void {
    if (channel !== this.#team) return
    if (status === 'SUBSCRIBED') {
      this.#become('live')
      void channel.track({})
    } else {
      this.#lost()
      if (status === 'CLOSED') void this.#shownOut()
    }
  }

  /** The gateway closed the channel for good: the member has left, is signed out, or an error of ours is behind it. */
  async #shownOut(): Promise<void> {
    const run = this.#run
    await this.#leave()
    const why = await this.#whyEnded().catch(() => null)
    if (this.#run !== run) return
    if (why !== null) {
      this.#ended(why)
      return
    }
    this.#again = setTimeout(() => {
      this.#join()
      this.loadAgain() // the gateway takes the new channel for the old one, which was empty meanwhile
    }, RETRY_MS)
  }

  /** A join that follows on the last one gets what changed meanwhile. After any other, the lists have to tell. */
  #placed(message: string): void {
    if (message.startsWith(LOAD_AGAIN)) this.loadAgain()
  }

  /** Ask anew for everything that events keep right. */
  loadAgain(): void {
    for (const queryKey of [keys.focus, keys.members, keys.history, keys.notifications]) {
      void this.#cache.invalidateQueries({ queryKey })
    }
  }

  /** Take a change in, whoever tells of it first: the socket, or the answer to this window's own request. */
  hear(change: Change): void {
    if (apply(this.#cache, change)) for (const listener of this.#listeners.change) listener(change)
  }

  #announced(announcement: Announcement): void {
    for (const listener of this.#listeners.announcement) listener(announcement)
  }

  #synced(channel: RealtimeChannel): void {
    const entries = Object.values(channel.presenceState<{ user_id?: string }>()).flat()
    this.here = new Set(entries.flatMap(({ user_id }) => user_id ?? []))
    for (const listener of this.#listeners.presence) listener()
  }

  #lost(): void {
    this.lostAt ??= Date.now()
    if (!navigator.onLine) this.#become('offline')
    else this.#patience ??= setTimeout(() => this.#become('reconnecting'), PATIENCE_MS)
  }

  #become(status: Status): void {
    clearTimeout(this.#patience)
    this.#patience = undefined
    if (status === 'live') this.lostAt = null
    if (this.status === status) return
    this.status = status
    for (const listener of this.#listeners.status) listener()
  }

  readonly #offline = (): void => {
    this.lostAt ??= Date.now()
    this.#become('offline')
  }

  /** There is a network again, or somebody looks at the page again. */
  readonly #back = (): void => {
    if (!navigator.onLine || document.visibilityState === 'hidden') return
    if (this.status === 'offline') this.#become('reconnecting')
    this.#prove()
  }

  /** A socket that has slept, or changed networks, may be dead without knowing: let the gateway say that it is not. */
  #prove(): void {
    if (!this.#client.isConnected()) {
      this.#client.connect()
      return
    }
    clearTimeout(this.#proof)
    // A heartbeat that finds the one before unanswered connects anew.
    this.#proof = setTimeout(() => void this.#client.sendHeartbeat(), PROOF_MS)
    void this.#client.sendHeartbeat()
  }

  #proved(): void {
    clearTimeout(this.#proof)
    if (this.#team?.state === CHANNEL_STATES.joined) this.#become('live')
  }

  #watchSleep(): void {
    let last = Date.now()
    this.#watch = setInterval(() => {
      const slept = Date.now() - last > SLEPT_MS + WATCH_MS
      last = Date.now()
      if (slept && document.visibilityState === 'visible') this.#prove()
    }, WATCH_MS)
  }
}
