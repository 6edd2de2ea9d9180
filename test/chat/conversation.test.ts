import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Desk } from '../../src/chat/conversation.ts'
import { type ChatLine, Conversation } from '../../src/chat/conversation.ts'
import { TokenBucket } from '../../src/chat/token-bucket.ts'
import { ChatWorld, Listener, type Person } from '../support/chat-world.ts'

const turn = () => new Promise(setImmediate)

/** A connection on which everything has been sent already; `undefined` is the peer's FIN. */
class FloodedLine implements ChatLine {
  readonly id = 1_000
  readonly queuedBytes = 0
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

  async receive(): Promise<string | undefined> {
    return this.#inbox.length > 0 || this.signal.aborted ? this.#inbox.shift() : new Promise<never>(() => undefined)
  }

  write(bytes: Uint8Array): void {
    this.listener.write(bytes)
  }

  end(reason: string): void {
    this.ended = reason
    this.#gone.abort()
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

  function converse(line: FloodedLine): Promise<void> {
    const [edge] = world.edges
    if (edge === undefined) throw new Error('a world has an edge')
    const bucket = new TokenBucket(burst, rate, world.clock.monotonic())
    const desk: Desk = { asking: false, answer: async () => true, take: async () => true }
    const services = { edge, clock: world.clock, bucket, desk }
    return new Conversation(line, 'text', { name: 'Ada', operator: false }, services).run()
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
    const line = new FloodedLine([...lines, undefined])
    const over = converse(line)
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
    for (const text of lines) expect(line.listener.text).toContain(`Ada: ${text}\n`)
    expect(line.ended).toBe('peer-closed')
    expect(present()).toEqual(['Bob'])
  })

  test('ends with its sender: what the room had taken is said, the rest is not, and nobody waits for it', async () => {
    const line = new FloodedLine([...lines, undefined])
    const over = converse(line)
    await turn()
    line.break()
    await over
    world.settle()
    expect(bob.listener.said()).toEqual(lines.slice(0, burst + 1))
    expect(line.left).toBe(lines.length - burst)
    world.clock.advance(60_000)
    await settle()
    expect(bob.listener.said()).toEqual(lines.slice(0, burst + 1))
    expect(present()).toEqual(['Bob'])
    expect(world.clock.pending).toBe(0)
  })
})
