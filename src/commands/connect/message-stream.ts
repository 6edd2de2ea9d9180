import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { ExitCode, NetlabError, ProtocolError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { sniffDialect } from '../../net/dialect.ts'
import { frameHeaderBytes } from '../../net/frame-codec.ts'
import { netLimits } from '../../net/limits.ts'
import type { ServerConnection } from './client.ts'

/** What the server or we say: an object with a `type`; the other fields are checked before they are used. */
export interface JsonMessage {
  readonly type: string
  readonly [field: string]: unknown
}

/** A connection as messages, one JSON object a frame (docs/protocol.md). */
export class MessageStream {
  readonly connection: ServerConnection
  /** The server's hello said that nobody can register. */
  registrationClosed = false
  readonly #signal: AbortSignal
  readonly #abort: () => void
  #next: Promise<JsonMessage | undefined> | undefined

  /** An abort of `signal` ends the connection, and every wait with the signal's reason. */
  constructor(connection: ServerConnection, signal: AbortSignal) {
    this.connection = connection
    this.#signal = signal
    this.#abort = () => void connection.socket.destroy()
    signal.addEventListener('abort', this.#abort)
    if (signal.aborted) this.#abort()
  }

  /** Nothing is sent when the connection takes nothing any more. */
  send(message: JsonMessage): void {
    const payload = JSON.stringify(message)
    const { socket, traffic } = this.connection
    if (!socket.writable) return
    socket.send(payload)
    traffic.sent(frameHeaderBytes + Buffer.byteLength(payload))
  }

  /** Half-closes: no more will be sent. */
  end(): void {
    this.connection.socket.end()
  }

  /**
   * The next message; undefined at the end. Rejects with NetworkError when the connection broke, with ProtocolError for
   * what is no message.
   */
  async receive(): Promise<JsonMessage | undefined> {
    const next = this.peek()
    this.#next = undefined
    return next
  }

  /** The same, and it stays the next one. */
  peek(): Promise<JsonMessage | undefined> {
    if (this.#next === undefined) {
      this.#next = this.#read()
      // Its failure is for whoever receives it; peeking alone must not make an unhandled rejection.
      this.#next.catch(() => undefined)
    }
    return this.#next
  }

  /** Closes for good. */
  close(): void {
    this.#signal.removeEventListener('abort', this.#abort)
    this.connection.socket.destroy()
  }

  async #read(): Promise<JsonMessage | undefined> {
    try {
      for (;;) {
        const text = await this.connection.socket.receive()
        this.#signal.throwIfAborted()
        if (text === undefined) return undefined
        this.connection.traffic.received(frameHeaderBytes + Buffer.byteLength(text))
        const message = parse(text)
        if (message.type !== 'ping') return message
        this.send({ type: 'pong' })
      }
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason
      throw error instanceof NetlabError ? error : this.connection.describe(error)
    }
  }
}

function parse(text: string): JsonMessage {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string') {
      return value as JsonMessage
    }
  } catch {
    // No JSON is reported like JSON that is no message.
  }
  throw malformed()
}

/** The error for bytes that are no message, or a message without the fields of its type. */
export function malformed(cause?: unknown): ProtocolError {
  return new ProtocolError('BAD_MESSAGE', 'the server sent a message that makes no sense', {
    hint: 'it may not be a netlab server, or a newer one: --framing text talks to it in lines',
    cause,
  })
}

const sessionOver = new Set<unknown>(['revoked', 'expired', 'no-session'])

/** The error for a negative reply, in the server's own sentence; its code is REVOKED when it is about a session that is over. */
export function replyError(message: JsonMessage): NetlabError {
  const code = sessionOver.has(message.reason) ? 'REVOKED' : 'REFUSED'
  const sentence = typeof message.message === 'string' ? message.message : 'The server refuses without a reason'
  return new NetlabError(code, ExitCode.negative, sentence.replace(/\.$/, ''))
}

/** The services that people log in to. */
export type LoginService = 'auth' | 'chat'

/**
 * What answered the hello: a service; or 'text', when the hello came so late that the service took us for a person who types;
 * or undefined for anything else, and for no answer in time.
 */
export type HelloAnswer = LoginService | 'text' | undefined

/** Whether a server that speaks first, in lines, is one of ours that people log in to. */
export function isLoginBanner(firstBytes: Buffer): boolean {
  return /^netlab (auth|chat)\. /.test(firstBytes.toString('latin1', 0, 32))
}

/**
 * Says hello in frames, and waits for the answer. Rejects with `replyError` when the server sends us away, with NetworkError
 * when it does so in text because it does not know yet what we speak.
 * @param timeoutMs 0 for ever
 */
export async function sayHello(stream: MessageStream, clock: Clock, timeoutMs: number): Promise<HelloAnswer> {
  stream.send({ type: 'hello', ping: true })
  const late = Promise.withResolvers<undefined>()
  const timer = timeoutMs > 0 ? clock.after(timeoutMs, () => late.resolve(undefined)) : undefined
  try {
    return await Promise.race([helloAnswer(stream), late.promise])
  } catch (error) {
    if (error instanceof NetlabError && error.exit === ExitCode.protocol) return undefined
    throw error
  } finally {
    timer?.cancel()
  }
}

async function helloAnswer(stream: MessageStream): Promise<HelloAnswer> {
  const line = await sniffLine(stream.connection.socket)
  if (line !== undefined) {
    const refusal = stream.connection.refusal(line)
    if (refusal !== undefined) throw refusal
    return isLoginBanner(line) ? 'text' : undefined
  }
  const answer = await stream.receive()
  if (answer?.type === 'bye') throw replyError(answer)
  if (answer !== undefined) expectPings(answer, stream)
  const service = answer?.type === 'hello' ? answer.service : undefined
  stream.registrationClosed = answer?.registration === 'closed'
  return service === 'auth' || service === 'chat' ? service : undefined
}

/** A server that asks us promises words by that. */
function expectPings({ pingMs }: JsonMessage, stream: MessageStream): void {
  if (typeof pingMs !== 'number' || pingMs < netLimits.pingMinMs || pingMs > netLimits.pingMaxMs) return
  stream.connection.watch.expectWords(pingMs, () => stream.send({ type: 'pong' }))
}

/**
 * The line of text with which a server begins in place of frames, without its end; undefined when what comes may be frames,
 * all of which stays to be read. The stream may end, or break, before the line is whole.
 */
async function sniffLine(socket: Socket): Promise<Buffer | undefined> {
  let seen = Buffer.alloc(0)
  for (;;) {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) {
      if (socket.readableEnded || socket.destroyed) return seen.length === 0 ? undefined : seen
      await readable(socket)
      continue
    }
    if (seen.length === 0 && sniffDialect(chunk[0]) !== 'text') {
      socket.unshift(chunk)
      return undefined
    }
    seen = Buffer.concat([seen, chunk])
    const end = seen.indexOf('\n')
    if (end !== -1) return seen.subarray(0, end)
    if (seen.length > limits.lineBytes) return seen
  }
}

/** Until there may be bytes to read, or never will be. */
function readable(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const events = ['readable', 'end', 'close'] as const
  for (const event of events) socket.once(event, resolve)
  return promise.finally(() => {
    for (const event of events) socket.off(event, resolve)
  })
}
