import { once } from 'node:events'
import { type Clock, pause } from '../base/clock.ts'
import { ProtocolError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import type { Dialect } from '../net/dialect.ts'
import type { Session } from '../net/session.ts'
import { type AccountRequest, type ChatRequest, isForAccounts } from './commands.ts'
import { encode } from './encode.ts'
import { chatLimits } from './limits.ts'
import { type ByeReason, ChatRefusal } from './message.ts'
import { type Enter, marksOf, parseEnter, parseLine, parseMessage } from './parse.ts'
import type { Sink, ThreadGateway } from './thread-gateway.ts'

/**
 * The account of whoever talks, as one connection reaches it. What is asked and answered there goes to this connection only.
 * Both calls resolve when it is answered, with whether the connection goes on.
 */
export interface ChatAccount {
  /** A person was asked for a password: the next line is the answer, whatever it looks like, and nothing for the room. */
  readonly asking: boolean
  answer(line: string): Promise<boolean>
  /** A password change that has no passwords yet begins by asking for them. */
  carryOut(request: AccountRequest): Promise<boolean>
}

/** Who talks in a session. */
export interface ChatUser {
  readonly name: string
  /** The account's id. */
  readonly account: string
}

export interface ChatConversationServices {
  readonly gateway: ThreadGateway
  readonly clock: Clock
  /** Shared by all of the user's connections. */
  readonly bucket: TokenBucket
  readonly account: ChatAccount
}

/** One session's part in the chat, from the login to its end. */
export class ChatConversation {
  readonly #session: Session
  readonly #user: ChatUser
  readonly #services: ChatConversationServices
  readonly #sink: Sink
  #entered = false
  /** Called when everything that was asked for is answered. */
  #onAnswered: (() => void) | undefined
  #badMessages = 0
  /** Monotonic: when it last had to wait for having said too much. */
  #floodMs = Number.NEGATIVE_INFINITY

  constructor(session: Session, dialect: Dialect, user: ChatUser, services: ChatConversationServices) {
    this.#session = session
    this.#user = user
    this.#services = services
    this.#sink = {
      dialect,
      write(bytes) {
        session.write(bytes)
        return session.queuedBytes
      },
      end: (reason) => {
        if (reason === 'exit' && this.#onAnswered !== undefined) this.#onAnswered()
        else session.end(reason)
      },
    }
  }

  /** Resolves when the session is over. @throws {ProtocolError} after too many bad messages, or bytes that can be no message */
  async run(): Promise<void> {
    if (this.#sink.dialect === 'text') this.#enter({ resume: {} })
    try {
      if (!(await this.#listen())) return
      await this.#finish('exit', 'goodbye')
      this.#session.end('peer-closed')
    } catch (error) {
      if (error instanceof ProtocolError) await this.#finish('protocol', error.message)
      throw error
    } finally {
      if (this.#entered) this.#services.gateway.close(this.#session.id)
    }
  }

  /** Resolves when the peer has sent its last message, or the session has ended: whether it is still to be answered. */
  async #listen(): Promise<boolean> {
    const { clock, bucket } = this.#services
    for (let text = await this.#next(); text !== undefined; text = await this.#next()) {
      const answered = this.#receive(text)
      if (answered !== undefined && !(await answered)) return false
      const waitMs = bucket.take(clock.monotonic())
      if (waitMs > 0) this.#noteFlood()
      if (waitMs > 0) await pause(clock, waitMs, this.#session.signal, { background: true })
      // What a flood left behind is not said after its sender has gone.
      if (this.#session.signal.aborted) return false
    }
    return true
  }

  /** Once for each flood, however long it is. */
  #noteFlood(): void {
    const { id, peer } = this.#session
    const now = this.#services.clock.monotonic()
    if (now - this.#floodMs >= chatLimits.floodNoticeMs)
      this.#session.record({ type: 'flooding', id, peer, name: this.#user.name })
    this.#floodMs = now
  }

  /** A peer that sends no more, or only nonsense, may still read: it gets all the answers before the end. */
  async #finish(why: ByeReason, message: string): Promise<void> {
    const { signal, id } = this.#session
    if (!this.#entered || signal.aborted) return
    const answered = new Promise<void>((resolve) => {
      this.#onAnswered = resolve
    })
    this.#services.gateway.finish(id, why, message)
    await Promise.race([answered, once(signal, 'abort')])
  }

  async #next(): Promise<string | undefined> {
    try {
      return await this.#session.receive()
    } catch (error) {
      if (error instanceof ProtocolError && this.#sink.dialect === 'frames')
        this.#session.write(encode([{ type: 'error', code: 'BAD_MESSAGE', text: error.message }], 'frames'))
      throw error
    }
  }

  /** What is to be waited for before the next message is read, if anything; it resolves with whether the session goes on. */
  #receive(text: string): Promise<boolean> | undefined {
    let message: unknown
    try {
      if (this.#sink.dialect === 'text') return this.#receiveLine(text)
      message = parseJson(text)
      return this.#receiveMessage(message)
    } catch (error) {
      if (!(error instanceof ChatRefusal)) throw error
      this.#refuse(error, message)
      return undefined
    }
  }

  #receiveLine(text: string): Promise<boolean> | undefined {
    const { account } = this.#services
    if (account.asking) return account.answer(text)
    // `exit` ends every service of this program. An empty line is no fault.
    const line = text.trim() === 'exit' ? '/quit' : text
    return line.trim() === '' ? undefined : this.#carryOut(parseLine(line))
  }

  #receiveMessage(message: unknown): Promise<boolean> | undefined {
    // The answer to a ping, which the login agreed on: that it came is all there is to it.
    if (isPong(message)) return undefined
    const enter = parseEnter(message)
    if (enter !== undefined) {
      if (this.#entered)
        throw new ChatRefusal('BAD_MESSAGE', 'you have entered already; "join" takes you to other rooms')
      this.#enter(enter)
      return undefined
    }
    const request = parseMessage(message)
    if (request.type === 'passwd' && request.old === undefined)
      throw new ChatRefusal('USAGE', 'a program sends both passwords: {"type":"passwd","old":…,"new":…}')
    return this.#carryOut(request)
  }

  #carryOut(request: ChatRequest): Promise<boolean> | undefined {
    if (isForAccounts(request)) return this.#services.account.carryOut(request)
    if (!this.#entered) this.#enter({ resume: {} })
    this.#services.gateway.ask(this.#session.id, request)
    return undefined
  }

  #enter({ resume, epoch, ref }: Enter): void {
    this.#entered = true
    const { id, peer } = this.#session
    this.#services.gateway.open({ id, ...this.#user, address: peer.address, resume, epoch, ref }, this.#sink)
  }

  #refuse({ code, message: text }: ChatRefusal, message: unknown): void {
    if (!this.#entered) this.#enter({ resume: {} })
    this.#services.gateway.answer(this.#session.id, this.#sink, { type: 'error', code, text, ...marksOf(message) })
    if (code === 'BAD_MESSAGE' && ++this.#badMessages >= limits.badMessages)
      throw new ProtocolError('BAD_MESSAGE', 'too many bad messages')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ChatRefusal('BAD_MESSAGE', 'a message is a JSON object with a "type"')
  }
}

function isPong(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'pong'
}

/** One token bucket for each person of a thread, shared by all of their connections there. */
export class FloodControl {
  readonly #burst: number
  readonly #ratePerSecond: number
  readonly #buckets = new Map<string, { readonly bucket: TokenBucket; connections: number }>()

  /** @param ratePerSecond 0 means no limit */
  constructor(burst: number, ratePerSecond: number) {
    this.#burst = burst
    this.#ratePerSecond = ratePerSecond
  }

  enter(name: string, nowMs: number): TokenBucket {
    const known = this.#buckets.get(name)
    if (known !== undefined) {
      known.connections += 1
      return known.bucket
    }
    const bucket = new TokenBucket(this.#ratePerSecond, this.#burst, nowMs)
    this.#buckets.set(name, { bucket, connections: 1 })
    return bucket
  }

  leave(name: string): void {
    const known = this.#buckets.get(name)
    if (known !== undefined && --known.connections === 0) this.#buckets.delete(name)
  }
}
