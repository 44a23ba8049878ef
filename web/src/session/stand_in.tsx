/** Signs demo members of a development stack in. Each window may be another member. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState, type ReactNode } from 'react'
import { Button } from 'react-aria-components'
import { configuration } from '../app/configuration'
import { Avatar } from '../ui/avatar'
import { useWords } from '../words/words'
import { SessionContext, type Session, type SessionState } from './session'

/** Where the session's id is kept: for this window, and for windows that are opened later. */
const KEY = 'stand-in-session'
/** A second member's window is told so by its address, and then keeps its session to itself. */
export const OWN_WINDOW = 'own-window'
const RENEW_BEFORE_MS = 15_000
const changed = new EventTarget()

interface StandInMember {
  id: string
  name: string
  email: string | null
  avatar_url: string
  team: string
  admin: boolean
}

async function ask<T>(path: string, options: RequestInit = {}): Promise<T | null> {
  const url = configuration.stand_in_url
  if (url === null) throw new Error('there is no stand-in')
  const answer = await fetch(`${url}${path}`, { ...options, headers: { 'content-type': 'application/json' } })
  if (answer.status === 404 || answer.status === 401) return null
  if (!answer.ok) throw new Error(`the Clerk stand-in answered ${answer.status}`)
  return answer.status === 204 ? null : ((await answer.json()) as T)
}

function kept(): string | null {
  if (location.pathname === '/sign-in' && new URLSearchParams(location.search).has(OWN_WINDOW)) return null
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY)
}

function keep(id: string): void {
  const own = new URLSearchParams(location.search).has(OWN_WINDOW)
  sessionStorage.setItem(KEY, id)
  if (!own) localStorage.setItem(KEY, id)
  changed.dispatchEvent(new Event('changed'))
}

/** Forget a session that is no more, wherever it is kept; another one of another window stays. */
function drop(id: string): void {
  for (const storage of [sessionStorage, localStorage]) {
    if (storage.getItem(KEY) === id) storage.removeItem(KEY)
  }
  changed.dispatchEvent(new Event('changed'))
}

interface Claims {
  sub: string
  exp: number
  iat: number
  /** The organization that the session acts in. */
  o?: { id: string }
}

function claims(token: string): Claims {
  const payload = token.split('.')[1] ?? ''
  return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as Claims
}

/** The session with this id, with a token that is renewed shortly before it runs out. */
function sessionOf(id: string, first: string): Session {
  const { sub, o } = claims(first)
  let current = first
  // How long ago, whatever the clock shows: it may be wrong by hours. It counts sleep, which the other one may not; the
  // other one goes on when the clock is set back.
  let received = { clock: Date.now(), timer: performance.now() }
  const age = () => Math.max(Date.now() - received.clock, performance.now() - received.timer)
  const lives = () => (claims(current).exp - claims(current).iat) * 1000
  const renew = async () => {
    const answer = await ask<{ jwt: string }>(`/v1/client/sessions/${id}/tokens`, { method: 'POST' })
    if (answer === null) {
      drop(id)
      return null
    }
    current = answer.jwt
    received = { clock: Date.now(), timer: performance.now() }
    return current
  }
  return {
    userId: sub,
    teamId: o?.id ?? null,
    async token(options) {
      const old = options?.fresh || age() >= lives() - RENEW_BEFORE_MS
      return old ? renew() : current
    },
    async signOut() {
      await ask(`/devstack/sessions/${id}`, { method: 'DELETE' })
      drop(id)
    },
    async verify() {
      await ask(`/devstack/sessions/${id}/verify`, { method: 'POST' })
      return (await renew()) !== null
    },
  }
}

async function open(id: string): Promise<SessionState> {
  const answer = await ask<{ jwt: string }>(`/v1/client/sessions/${id}/tokens`, { method: 'POST' })
  if (answer !== null) return sessionOf(id, answer.jwt)
  drop(id)
  return 'signed-out'
}

export function Provider({ children }: { children: ReactNode }) {
  const [id, setId] = useState(kept)
  const [opened, setOpened] = useState<{ id: string; state: SessionState } | null>(null)
  useEffect(() => {
    const look = () => setId(kept())
    changed.addEventListener('changed', look)
    return () => changed.removeEventListener('changed', look)
  }, [])
  useEffect(() => {
    if (id === null) return
    let wanted = true
    void retried(() => open(id)).then((state) => wanted && setOpened({ id, state }))
    return () => {
      wanted = false
    }
  }, [id])
  const state = useMemo(
    (): SessionState => (id === null ? 'signed-out' : opened?.id === id ? opened.state : 'loading'),
    [id, opened],
  )
  return <SessionContext value={state}>{children}</SessionContext>
}

/** Until the stand-in answers: a page that is opened while the stack starts comes by itself. */
async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
}

export function SignIn({ returnTo }: { returnTo: string }) {
  const words = useWords().session
  const members = useQuery({
    queryKey: ['stand-in', 'members'],
    queryFn: async () => (await ask<StandInMember[]>('/devstack/members')) ?? [],
  })
  const enter = async (member: string) => {
    const made = await ask<{ id: string }>('/devstack/sessions', { method: 'POST', body: JSON.stringify({ member }) })
    if (made !== null) keep(made.id)
  }
  return (
    <section className="stand-in">
      <h2>{words.standIn}</h2>
      <ul>
        {members.data?.map((member) => (
          <li key={member.id}>
            <Button className="member-choice" onPress={() => void enter(member.id)}>
              <Avatar id={member.id} name={member.name} url={member.avatar_url} />
              <span>
                <strong>{member.name}</strong>
                <small>{member.admin ? words.admin : member.team}</small>
              </span>
            </Button>
          </li>
        ))}
      </ul>
      {members.isError && <p role="alert">{words.standInAway}</p>}
      <p className="quiet">
        <a href={`/sign-in?${OWN_WINDOW}&to=${encodeURIComponent(returnTo)}`} target="_blank" rel="noopener">
          {words.secondMember}
        </a>
      </p>
    </section>
  )
}

/** A demo member acts in the team that the stand-in chose: another one is another member. */
export function TeamChoice() {
  return null
}
