import type { Clock } from '../base/clock.ts'
import { ProtocolError } from '../base/errors.ts'
import type { DisconnectReason, NetlabEvent, Peer } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import type { ServerMessage } from './messages.ts'

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

/** What a field of a message holds. */
export type Field = 'text' | 'number or text'

/** The messages a client may send, by type, with their fields. A field whose name ends in `?` may be missing. */
export type Shapes = Readonly<Record<string, Readonly<Record<string, Field>>>>

type Json = Readonly<Record<string, unknown>>

/** Messages as JSON objects with a `type`, one a frame. `C` must be what `shapes` describes. */
export function frameVoice<C, S>(shapes: Shapes): Voice<C, S> {
  return {
    hear: (text) => read<C>(text, shapes),
    say: (message) => [JSON.stringify(message)],
  }
}

/** Never says what was sent: it may be a secret in the wrong place. */
function read<C>(text: string, shapes: Shapes): Heard<C> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return nonsense('A message is a JSON object.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return nonsense('A message is a JSON object.')
  const { type } = value as Json
  const shape = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type] : undefined
  if (shape === undefined) return nonsense(`The type of a message is one of ${Object.keys(shapes).join(', ')}.`)
  const message: Record<string, unknown> = { type }
  for (const [key, field] of Object.entries(shape)) {
    const name = key.replace('?', '')
    const given = (value as Json)[name]
    if (given === undefined && key.endsWith('?')) continue
    const good = typeof given === 'string' || (field === 'number or text' && typeof given === 'number')
    if (!good) return nonsense(`A message of the type ${type} has the field ${name}: ${field}.`)
    message[name] = given
  }
  return { kind: 'message', message: message as C }
}

function nonsense(why: string): { readonly kind: 'nonsense'; readonly why: string } {
  return { kind: 'nonsense', why }
}

/**
 * Waits for `outcome`, and says so every few seconds. Someone who has closed the connection for good, and not only its
 * sending half, answers the notice with a reset; only so is it known that they left.
 */
export async function waiting<T, C>(outcome: Promise<T>, talk: Talk<C, ServerMessage>, clock: Clock): Promise<T> {
  const after = () => clock.after(limits.waitNoticeMs, notice, { background: true })
  const notice = () => {
    talk.tell({ type: 'wait', message: 'One moment, please.' })
    timer = after()
  }
  let timer = after()
  try {
    return await outcome
  } finally {
    timer.cancel()
  }
}
