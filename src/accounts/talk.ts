import { ProtocolError } from '../base/errors.ts'
import type { DisconnectReason, NetlabEvent, Peer } from '../base/events.ts'
import { limits } from '../base/limits.ts'

/** What a conversation needs of a connection; the listener core's session has all of it. */
export interface Line {
  readonly id: number
  readonly peer: Peer
  /** Nobody between the two ends can read along, or the operator does not mind. */
  readonly secure: boolean
  /** The server speaks TLS on the same port. */
  readonly offersTls: boolean
  readonly signal: AbortSignal
  dialect(): Promise<'frames' | 'text'>
  /** Rejects with a ProtocolError when what comes next can be no message; a person who types lines is told why by the line. */
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

  /** The next whole message; undefined after the last. @throws {ProtocolError} after too much nonsense, or bytes that can be no message. */
  async receive(): Promise<C | undefined> {
    for (;;) {
      const text = await this.#next()
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

  async #next(): Promise<string | undefined> {
    try {
      return await this.line.receive()
    } catch (error) {
      if (error instanceof ProtocolError && (await this.line.dialect()) === 'frames') this.#tellFault(sentence(error))
      throw error
    }
  }

  #complain(why: string): void {
    this.#tellFault(why)
    if (++this.#nonsense >= limits.badMessages) throw new ProtocolError('BAD_MESSAGE', 'too many bad messages')
  }

  #tellFault(why: string): void {
    this.line.send(JSON.stringify({ type: 'error', reason: 'bad-message', message: why }))
  }
}

function sentence({ message }: Error): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
}

/** An event of a conversation that doesn't say yet whose. */
export type EventOf<T extends NetlabEvent['type']> = Unaddressed<Extract<NetlabEvent, { readonly type: T }>>
type Unaddressed<E> = E extends unknown ? Omit<E, 'id' | 'peer'> : never
