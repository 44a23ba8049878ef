// One official JavaScript client in a process of its own, led by lines of JSON.
//
// argv[2]: {library, url, key, token?, renewing?, params?, vsn?, topic, config?, changes?: [binding, ...]}
// stdin:   {do: "track"|"untrack"|"broadcast"|"bytes"|"http"|"token"|"renew"|"leave"|"exit", ...}
// stdout:  {kind: "status"|"change"|"presence"|"join"|"left"|"broadcast"|"system"|"done", ...}, in the order of events
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'

const wish = JSON.parse(process.argv[2])
const { RealtimeClient } = await import(wish.library)

const say = (kind, fields) => process.stdout.write(JSON.stringify({ kind, ...fields }) + '\n')
let token = wish.token

const client = new RealtimeClient(wish.url, {
  params: { apikey: wish.key, ...wish.params },
  transport: WebSocket,
  ...(wish.vsn && { vsn: wish.vsn }),
  ...(wish.renewing && { accessToken: async () => token }),
})
if (token && !wish.renewing) await client.setAuth(token)

const channel = client.channel(wish.topic, { config: wish.config ?? {} })
for (const [binding, wanted] of (wish.changes ?? []).entries()) {
  channel.on('postgres_changes', wanted, (change) => say('change', { binding, ...change }))
}
if (wish.config?.presence) {
  channel.on('presence', { event: 'sync' }, () => say('presence', { state: channel.presenceState() }))
  channel.on('presence', { event: 'join' }, ({ key, newPresences }) => say('join', { key, metas: newPresences }))
  channel.on('presence', { event: 'leave' }, ({ key, leftPresences }) => say('left', { key, metas: leftPresences }))
}
channel.on('broadcast', { event: '*' }, ({ event, payload, meta }) => {
  const bytes = payload instanceof ArrayBuffer || ArrayBuffer.isView(payload)
  say('broadcast', { event, payload: bytes ? { bytes: Buffer.from(payload).toString('hex') } : payload, meta })
})
channel.on('system', {}, (message) => say('system', message))

const subscribe = () =>
  channel.subscribe((status, error) => say('status', { status, ...(error && { error: String(error.message ?? error) }) }))

const commands = {
  track: ({ payload }) => channel.track(payload),
  untrack: () => channel.untrack(),
  broadcast: ({ event, payload }) => channel.send({ type: 'broadcast', event, payload }),
  bytes: ({ event, hex }) =>
    channel.send({ type: 'broadcast', event, payload: new Uint8Array(Buffer.from(hex, 'hex')).buffer }),
  http: ({ event, payload }) => channel.httpSend(event, payload),
  token: async ({ value }) => {
    token = value
    await client.setAuth(value)
    return 'ok'
  },
  renew: async ({ value }) => {
    token = value
    await client.sendHeartbeat()
    return 'ok'
  },
  leave: () => channel.unsubscribe(),
  exit: () => process.exit(0),
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const command = JSON.parse(line)
    const result = await commands[command.do](command)
    say('done', { do: command.do, result })
  })
  .on('close', () => process.exit(0))
subscribe()
