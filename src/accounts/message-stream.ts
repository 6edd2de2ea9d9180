import type { Clock } from '../base/clock.ts'
import { ProtocolError } from '../base/errors.ts'
import type { NetlabEvent } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import type { Session } from '../net/session.ts'
import { accountLimits } from './limits.ts'
import type { MessageShapes, ServerMessage } from './messages.ts'

/** A whole message; or what to send at once where there is nothing to carry out, as to someone who has typed only a part; or why it is none. */
export type Decoded<C> =
  | { readonly kind: 'message'; readonly message: C; readonly ref?: string | number }
  | { readonly kind: 'incomplete'; readonly lines: readonly string[] }
  | { readonly kind: 'malformed'; readonly why: string }

/** How the messages `C` of a client and `S` of the server are written in one dialect. */
export interface MessageCodec<C, S> {
  /** @param text the payload of one frame, or one line without its end */
  decode(text: string): Decoded<C>
  /** The frames or lines of a message. */
  encode(message: S): readonly string[]
}

/** A client's session as a stream of messages in both directions, whatever its dialect. */
export class ServerMessageStream<C, S> {
  readonly client: Session
  readonly #codec: MessageCodec<C, S>
  /** The client's mark of the request that is answered now; every answer carries it. */
  ref: string | number | undefined
  #malformed = 0

  constructor(client: Session, codec: MessageCodec<C, S>) {
    this.client = client
    this.#codec = codec
  }

  /** The next whole message; undefined after the last. @throws {ProtocolError} after too many malformed ones, or bytes that can be no message. */
  async receive(): Promise<C | undefined> {
    for (;;) {
      this.ref = undefined
      const text = await this.#next()
      if (text === undefined) return undefined
      const decoded = this.#codec.decode(text)
      if (decoded.kind === 'message') {
        this.ref = decoded.ref
        return decoded.message
      }
      if (decoded.kind === 'incomplete') for (const line of decoded.lines) this.client.send(line)
      else this.#refuse(decoded.why)
    }
  }

  send(message: S): void {
    const marked = this.ref === undefined ? message : { ...message, ref: this.ref }
    for (const part of this.#codec.encode(marked)) this.client.send(part)
  }

  async #next(): Promise<string | undefined> {
    try {
      return await this.client.receive()
    } catch (error) {
      if (error instanceof ProtocolError && (await this.client.dialect()) === 'frames') this.#sendError(sentence(error))
      throw error
    }
  }

  #refuse(why: string): void {
    this.#sendError(why)
    if (++this.#malformed >= limits.badMessages) {
      throw new ProtocolError('BAD_MESSAGE', 'too many bad messages')
    }
  }

  #sendError(message: string): void {
    this.client.send(JSON.stringify({ type: 'error', reason: 'bad-message', message }))
  }
}

/** The stream of a client, in the dialect that it speaks: JSON as `shapes` describe it, or lines. */
export async function openStream<C, S>(
  client: Session,
  shapes: MessageShapes,
  lines: MessageCodec<C, S>,
): Promise<ServerMessageStream<C, S>> {
  const frames = (await client.dialect()) === 'frames'
  return new ServerMessageStream<C, S>(client, frames ? jsonCodec(shapes) : lines)
}

function sentence({ message }: Error): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
}

/** Messages as JSON objects with a `type`, one a frame. `C` must be what `shapes` describes. */
export function jsonCodec<C, S>(shapes: MessageShapes): MessageCodec<C, S> {
  return {
    decode: (text) => decodeJson<C>(text, shapes),
    encode: (message) => [JSON.stringify(message)],
  }
}

/** The reason never repeats what was sent: it may be a secret in the wrong place. */
function decodeJson<C>(text: string, shapes: MessageShapes): Decoded<C> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return malformed('A message is a JSON object.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return malformed('A message is a JSON object.')
  }
  const given = value as Readonly<Record<string, unknown>>
  const { type } = given
  if (type === 'ping') return { kind: 'incomplete', lines: ['{"type":"pong"}'] }
  if (type === 'pong') return { kind: 'incomplete', lines: [] }
  const shape = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type] : undefined
  if (shape === undefined) return malformed(`The type of a message is one of ${Object.keys(shapes).join(', ')}.`)
  const message: Record<string, unknown> = { type }
  for (const [key, kind] of Object.entries(shape)) {
    const name = key.replace('?', '')
    const field = given[name]
    if (field === undefined && key.endsWith('?')) continue
    const isText = typeof field === 'string'
    const good =
      kind === 'true or false' ? typeof field === 'boolean' : isText || (kind !== 'text' && typeof field === 'number')
    if (!good) return malformed(`A message of the type ${type} has the field ${name}: ${kind}.`)
    message[name] = field
  }
  const { ref } = given
  if (ref === undefined) return { kind: 'message', message: message as C }
  if (typeof ref === 'string' ? ref.length > limits.refChars : !Number.isSafeInteger(ref))
    return malformed(`"ref" is a whole number, or a string of at most ${limits.refChars} characters.`)
  return { kind: 'message', message: message as C, ref: ref as string | number }
}

function malformed(why: string): { readonly kind: 'malformed'; readonly why: string } {
  return { kind: 'malformed', why }
}

/**
 * Waits for `outcome`, and sends a notice every few seconds meanwhile. A client that has closed the connection for good, and
 * not only its sending half, answers the notice with a reset (RFC 9293, 3.10.7.1); nothing else tells that it left.
 */
export async function withWaitNotices<T, C>(
  outcome: Promise<T>,
  stream: ServerMessageStream<C, ServerMessage>,
  clock: Clock,
): Promise<T> {
  const schedule = () => clock.after(accountLimits.waitNoticeMs, notice, { background: true })
  let message = 'One moment, please.'
  const notice = () => {
    stream.send({ type: 'wait', message })
    message = 'Still waiting; your turn will come.'
    timer = schedule()
  }
  let timer = schedule()
  try {
    return await outcome
  } finally {
    timer.cancel()
  }
}

/** An event of one client, without the fields that say of which. */
export type ClientEvent<T extends NetlabEvent['type']> = WithoutClient<Extract<NetlabEvent, { readonly type: T }>>
type WithoutClient<E> = E extends unknown ? Omit<E, 'id' | 'peer'> : never

/** Puts an event of this client into the log. */
export function recordFor(client: Session, event: ClientEvent<NetlabEvent['type']>): void {
  client.record({ ...event, id: client.id, peer: client.peer } as NetlabEvent)
}
