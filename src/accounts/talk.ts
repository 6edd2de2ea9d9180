import { ProtocolError } from '../base/errors.ts'
import type { DisconnectReason, NetlabEvent, Peer } from '../base/events.ts'
import { limits } from '../base/limits.ts'

/** What a conversation needs of a connection; the listener core's session has all of it. */
export interface Line {
  readonly id: number
  readonly peer: Peer
  /** Nobody between the two ends can read along, or the operator does not mind. */
  readonly secure: boolean
  readonly signal: AbortSignal
  dialect(): Promise<'frames' | 'text'>
  receive(): Promise<string | undefined>
  send(text: string): void
  end(reason: DisconnectReason, detail?: string): void
  record(event: NetlabEvent): void
}

/** A message, whole; or what to say to someone who hasn't said everything yet; or why it was none. */
export type Heard<C> =
  | { readonly kind: 'message'; readonly message: C }
  | { readonly kind: 'more'; readonly say: readonly string[] }
  | { readonly kind: 'nonsense'; readonly why: string }

/** One way to write the messages `C` of a client and `S` of the server. */
export interface Voice<C, S> {
  hear(text: string): Heard<C>
  /** The frames or lines that tell this. */
  say(message: S): readonly string[]
}

/** A connection as a sequence of messages, whatever the dialect. */
export class Talk<C, S> {
  readonly line: Line
  readonly #voice: Voice<C, S>
  #nonsense = 0

  constructor(line: Line, voice: Voice<C, S>) {
    this.line = line
    this.#voice = voice
  }

  /** The next whole message; undefined after the last. @throws {ProtocolError} after too much nonsense. */
  async receive(): Promise<C | undefined> {
    for (;;) {
      const text = await this.line.receive()
      if (text === undefined) return undefined
      const heard = this.#voice.hear(text)
      if (heard.kind === 'message') return heard.message
      if (heard.kind === 'more') for (const part of heard.say) this.line.send(part)
      else this.#complain(heard.why)
    }
  }

  tell(message: S): void {
    for (const part of this.#voice.say(message)) this.line.send(part)
  }

  #complain(why: string): void {
    this.line.send(JSON.stringify({ type: 'error', reason: 'bad-message', message: why }))
    if (++this.#nonsense >= limits.badMessages) throw new ProtocolError('BAD_MESSAGE', 'too many bad messages')
  }
}

/** An event of a conversation that doesn't say yet whose. */
export type EventOf<T extends NetlabEvent['type']> = Unaddressed<Extract<NetlabEvent, { readonly type: T }>>
type Unaddressed<E> = E extends unknown ? Omit<E, 'id' | 'peer'> : never
