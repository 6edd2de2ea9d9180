import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { encodeFrame } from '../../src/net/frame-codec.ts'
import type { SoakedServer } from './server.ts'

/** A number from 0 to below `count`. */
export type Pick = (count: number) => number

const endings = ['exit', 'half-close', 'reset', 'destroy', 'pause', 'stay'] as const
type Ending = (typeof endings)[number]

/** How long a client stays that waits to be kicked or found idle. */
const stayMs = 4_000
/** When a server takes a silent client for a person, less what a look at the clock may be wrong. */
const silenceMs = 200
/** More than the system keeps for a peer that does not read. */
const floodBytes = 6 << 20

/** What the clients know of each other. */
export interface Knowledge {
  readonly tokens: Map<string, string>
  readonly failures: string[]
}

/** One client: comes from some loopback address, plainly or through TLS, in lines or in frames, talks, and goes in some way. */
export async function visit(server: SoakedServer, pick: Pick, knowledge: Knowledge): Promise<Ending | 'too slow'> {
  const ending = endings[pick(endings.length)] ?? 'exit'
  const client = await Client.open(server.port, pick(3) === 0, pick(2) === 0, `127.0.0.${2 + pick(60)}`)
  if (client === undefined) return 'too slow'
  try {
    if (server.service === 'echo') await echo(client, ending, pick, server, knowledge)
    else if (server.service === 'ident')
      await talk(client, ['Ann', 'whoami', 'nonsense'], [{ type: 'name', name: 'Ann' }, { type: 'whoami' }])
    else await login(client, server.service, pick, knowledge)
    await client.leave(ending)
  } finally {
    client.close()
  }
  return ending
}

async function echo(
  client: Client,
  ending: Ending,
  pick: Pick,
  { kicked }: SoakedServer,
  { failures }: Knowledge,
): Promise<void> {
  const letters = Buffer.from('bcdfghjk\n')
  const pieces = Array.from({ length: 1 + pick(8) }, () => {
    const bytes = Buffer.from(Array.from({ length: 1 + pick(3_000) }, () => letters[pick(letters.length)] ?? 0))
    return client.frames ? encodeFrame(bytes) : bytes
  })
  for (const piece of pieces) client.write(piece)
  const sent = Buffer.concat(pieces)
  const back = await client.bytes(sent.length)
  if (back === undefined && kicked.has(client.endpoint)) return
  if (back === undefined) failures.push(`echo (${ending}) gave back ${client.received.length} of ${sent.length} bytes`)
  else if (!back.equals(sent)) failures.push(`echo (${ending}) gave back other bytes than it got`)
}

async function login(client: Client, service: string, pick: Pick, { tokens }: Knowledge): Promise<void> {
  const name = `user${pick(8)}`
  const password = `the password of ${name}`
  const token = tokens.get(name)
  const kind = pick(10)
  if (kind === 0) return
  if (kind === 1) return talk(client, [name, 'x'.repeat(9)], [{ type: 'resume', token: 'x'.repeat(43) }])
  if (!client.frames) await talk(client, token === undefined ? [name, password, password] : [`resume ${token}`], [])
  else if (token !== undefined) client.say({ type: 'resume', token })
  else {
    client.say({ type: 'register', name, password })
    await client.text(/"type":"(welcome|denied)"/)
    client.say({ type: 'login', name, password })
    const found = /"token":"([\w-]{43})"/.exec(await client.text(/"token":"[\w-]{43}"/))?.[1]
    if (found !== undefined) tokens.set(name, found)
  }
  if (service === 'auth') return talk(client, ['whoami', 'sessions'], [{ type: 'whoami' }, { type: 'sessions' }])
  const room = `room${pick(4)}`
  await talk(
    client,
    [`/join ${room}`, 'hello', '/who', '/rooms', `/leave ${room}`],
    [
      { type: 'enter' },
      { type: 'join', room },
      { type: 'say', room, text: 'hello' },
      { type: 'who' },
      { type: 'rooms' },
    ],
  )
}

/** Says it in lines or in frames, in a person's haste. */
async function talk(client: Client, lines: readonly string[], messages: readonly object[]): Promise<void> {
  for (const item of client.frames ? messages : lines) {
    client.say(item)
    await sleep(30)
  }
}

class Client {
  readonly frames: boolean
  /** Of this end, as the server sees it. */
  endpoint = ''
  received = Buffer.alloc(0)
  readonly #tcp: Socket
  readonly #socket: Socket
  #closed = false

  private constructor(tcp: Socket, socket: Socket, frames: boolean) {
    this.#tcp = tcp
    this.#socket = socket
    this.frames = frames
    socket.on('data', (chunk: Buffer) => {
      // Nobody looks further back than that.
      this.received = Buffer.concat([this.received, chunk]).subarray(-65_536)
    })
    for (const one of [tcp, socket]) one.on('error', () => undefined)
    socket.once('close', () => {
      this.#closed = true
    })
    tcp.once('connect', () => {
      this.endpoint = `${tcp.localAddress}:${tcp.localPort}`
    })
  }

  /** Undefined when this machine was too busy: a client that is silent for so long is taken for a person, who knows no TLS. */
  static async open(port: number, tls: boolean, frames: boolean, localAddress: string): Promise<Client | undefined> {
    const tcp = connectTcp({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true })
    // Servers of the soak make their own certificates.
    const socket = tls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp
    const client = new Client(tcp, socket, frames)
    const began = performance.now()
    try {
      await once(socket, tls ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(30_000) })
      return client
    } catch (error) {
      client.close()
      if (tls && performance.now() - began > silenceMs) return undefined
      throw error
    }
  }

  write(bytes: Uint8Array): void {
    if (!this.#closed) this.#socket.write(bytes)
  }

  say(item: string | object): void {
    this.write(typeof item === 'string' ? Buffer.from(`${item}\n`) : encodeFrame(JSON.stringify(item)))
  }

  /** Undefined when they don't come. */
  async bytes(count: number): Promise<Buffer | undefined> {
    await this.#until(() => this.received.length >= count, 30_000)
    return this.received.length < count ? undefined : this.received
  }

  /** What has come when it matches, or when it does not for seconds: many answers are refusals. */
  async text(wanted: RegExp): Promise<string> {
    await this.#until(() => wanted.test(this.received.toString()), 3_000)
    return this.received.toString()
  }

  async leave(ending: Ending): Promise<void> {
    switch (ending) {
      case 'exit':
        this.say(this.frames ? { type: 'exit' } : 'exit')
        await this.#until(() => this.#socket.readableEnded, 1_000)
        this.#socket.end()
        break
      case 'half-close':
        this.#socket.end()
        await this.#until(() => this.#socket.readableEnded, 5_000)
        break
      case 'reset':
        this.#reset()
        break
      case 'pause':
        this.#socket.pause()
        this.write(Buffer.alloc(floodBytes, 'bcdfghj\n'))
        await sleep(1_000)
        this.#reset()
        break
      case 'stay':
        await this.#until(() => this.#closed || this.#socket.readableEnded, stayMs)
        break
      case 'destroy':
        this.#socket.destroy()
    }
  }

  close(): void {
    this.#socket.destroy()
    this.#tcp.destroy()
  }

  /** The socket inside TLS is not reset under its feet (Node 24.21 was once seen to crash in a soak that did); closed with bytes unread, the system resets it. */
  #reset(): void {
    if (this.#tcp === this.#socket) this.#tcp.resetAndDestroy()
    else this.#socket.destroy()
  }

  async #until(condition: () => boolean, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs
    while (!condition() && !this.#closed && performance.now() < deadline) await sleep(15)
  }
}
