import { beforeEach, describe, expect, test } from '@jest/globals'
import type { NetlabEvent } from '../../src/base/events.ts'
import { TokenBucket } from '../../src/base/token-bucket.ts'
import { type ChatAccount, ChatConversation } from '../../src/chat/conversation.ts'
import type { Session } from '../../src/net/session.ts'
import { ChatWorld, Listener, type Person } from '../support/chat-world.ts'

const turn = () => new Promise(setImmediate)

/** A session in which everything has been sent already; `undefined` is the peer's FIN. */
class FloodedSession implements Session {
  readonly id = 1_000
  readonly peer = { address: '127.0.0.1', port: 1 }
  readonly secure = true
  readonly offersTls = false
  readonly queuedBytes = 0
  readonly pingMs = 15_000
  maxMessageBytes = 0
  readonly listener = new Listener('text')
  ended: string | undefined
  readonly #gone = new AbortController()
  readonly #inbox: (string | undefined)[]

  constructor(inbox: readonly (string | undefined)[]) {
    this.#inbox = [...inbox]
  }

  get signal(): AbortSignal {
    return this.#gone.signal
  }

  /** Lines that nobody has taken yet. */
  get left(): number {
    return this.#inbox.length
  }

  async dialect(): Promise<'text'> {
    return 'text'
  }

  async receive(): Promise<string | undefined> {
    return this.#inbox.length > 0 || this.signal.aborted ? this.#inbox.shift() : new Promise<never>(() => undefined)
  }

  bytes(): void {
    throw new Error('the chat reads messages')
  }

  write(bytes: Uint8Array): void {
    this.listener.write(bytes)
  }

  send(text: string): void {
    this.write(Buffer.from(`${text}\n`))
  }

  end(reason: string): void {
    this.ended = reason
    this.#gone.abort()
  }

  ping(): void {
    throw new Error('the login does that')
  }

  requestStop(): string {
    return 'not from here'
  }

  readonly events: NetlabEvent[] = []

  record(event: NetlabEvent): void {
    this.events.push(event)
  }

  /** The connection breaks. */
  break(): void {
    this.#gone.abort()
  }
}

describe('a flood', () => {
  const burst = 3
  const rate = 10
  const lines = Array.from({ length: 12 }, (_, index) => `line ${index}`)
  let world: ChatWorld
  let bob: Person

  beforeEach(() => {
    world = new ChatWorld()
    bob = world.come('Bob')
  })

  function converse(session: FloodedSession): Promise<void> {
    const [gateway] = world.gateways
    if (gateway === undefined) throw new Error('a world has an gateway')
    const bucket = new TokenBucket(rate, burst, world.clock.monotonic())
    const account: ChatAccount = { asking: false, answer: async () => true, carryOut: async () => true }
    const services = { gateway, clock: world.clock, bucket, account }
    return new ChatConversation(session, 'text', { name: 'Ada', account: 'id of Ada' }, services).run()
  }

  /** Everything that can be said at this moment is said. */
  async function settle(): Promise<void> {
    await turn()
    world.settle()
  }

  function present(): readonly string[] {
    world.settle()
    bob.send({ type: 'who' })
    return (
      bob.listener
        .of('who')
        .at(-1)
        ?.names.map(({ name }) => name) ?? []
    )
  }

  test('is said at the rate, all of it, though its sender has long sent its last byte', async () => {
    const session = new FloodedSession([...lines, undefined])
    const over = converse(session)
    await settle()
    expect(bob.listener.said()).toEqual(lines.slice(0, burst + 1))
    expect(present()).toEqual(['Ada', 'Bob'])
    for (let said = burst + 1; said < lines.length; said++) {
      world.clock.advance(1000 / rate)
      await settle()
      expect(bob.listener.said()).toEqual(lines.slice(0, said + 1))
    }
    world.clock.advance(1000 / rate)
    await settle()
    await over
    expect(session.events).toEqual([{ type: 'flooding', id: session.id, peer: session.peer, name: 'Ada' }])
    for (const text of lines) expect(session.listener.text).toContain(`Ada: ${text}\n`)
    expect(session.ended).toBe('peer-closed')
    expect(present()).toEqual(['Bob'])
  })

  test('ends with its sender: what the room had taken is said, the rest is not, and nobody waits for it', async () => {
    const session = new FloodedSession([...lines, undefined])
    const over = converse(session)
    await turn()
    session.break()
    await over
    world.settle()
    expect(bob.listener.said()).toEqual(lines.slice(0, burst + 1))
    expect(session.left).toBe(lines.length - burst)
    world.clock.advance(60_000)
    await settle()
    expect(bob.listener.said()).toEqual(lines.slice(0, burst + 1))
    expect(present()).toEqual(['Bob'])
    expect(world.clock.pending).toBe(0)
  })
})
