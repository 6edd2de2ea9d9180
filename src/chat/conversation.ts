import { once } from 'node:events'
import { type Clock, pause } from '../base/clock.ts'
import { ProtocolError } from '../base/errors.ts'
import type { DisconnectReason } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import { isForAccounts, type Request } from './commands.ts'
import type { Desk } from './desk.ts'
import type { Edge } from './edge.ts'
import type { Sink } from './fan-out.ts'
import { parseEntrance, parseLine, parseMessage } from './parse.ts'
import { Refusal } from './refusal.ts'
import type { TokenBucket } from './token-bucket.ts'
import { type ChatDialect, encode } from './wire.ts'

/** What a conversation needs of a connection; the listener core's session has all of it. */
export interface ChatLine {
  readonly id: number
  readonly signal: AbortSignal
  readonly queuedBytes: number
  /** Rejects with a ProtocolError when what comes next can be no message; a person who types lines is told why by the line. */
  receive(): Promise<string | undefined>
  write(bytes: Uint8Array): void
  end(reason: DisconnectReason, detail?: string): void
}

/** Who talks on it. */
export interface ChatUser {
  readonly name: string
  readonly operator: boolean
}

export interface ConversationServices {
  readonly edge: Edge
  readonly clock: Clock
  /** Shared by all of the user's connections. */
  readonly bucket: TokenBucket
  readonly desk: Desk
}

/** One connection's part in the chat, from the login to its end. */
export class Conversation {
  readonly #line: ChatLine
  readonly #user: ChatUser
  readonly #services: ConversationServices
  readonly #sink: Sink
  #entered = false
  /** Called when all that was asked for is told. */
  #told: (() => void) | undefined
  #nonsense = 0

  constructor(line: ChatLine, dialect: ChatDialect, user: ChatUser, services: ConversationServices) {
    this.#line = line
    this.#user = user
    this.#services = services
    this.#sink = {
      dialect,
      write(bytes) {
        line.write(bytes)
        return line.queuedBytes
      },
      end: (reason) => {
        if (reason === 'exit' && this.#told !== undefined) this.#told()
        else line.end(reason)
      },
    }
  }

  /** Resolves when the connection is over. @throws {ProtocolError} after too much that is no message, or bytes that can be none */
  async run(): Promise<void> {
    if (this.#sink.dialect === 'text') this.#enter({})
    try {
      if (!(await this.#listen())) return
      await this.#takeLeave()
      this.#line.end('peer-closed')
    } catch (error) {
      if (error instanceof ProtocolError) await this.#takeLeave()
      throw error
    } finally {
      if (this.#entered) this.#services.edge.close(this.#line.id)
    }
  }

  /** Resolves when nothing more comes: whether the connection goes on all the same. */
  async #listen(): Promise<boolean> {
    const { clock, bucket } = this.#services
    for (let text = await this.#next(); text !== undefined; text = await this.#next()) {
      const atDesk = this.#hear(text)
      if (atDesk !== undefined && !(await atDesk)) return false
      const waitMs = bucket.take(clock.monotonic())
      if (waitMs > 0) await pause(clock, waitMs, this.#line.signal, { background: true })
      // What a flood left behind is not said after its sender has gone.
      if (this.#line.signal.aborted) return false
    }
    return true
  }

  /** Who says no more, or nothing that makes sense, but still listens, is told all that was asked for before the end. */
  async #takeLeave(): Promise<void> {
    const { signal, id } = this.#line
    if (!this.#entered || signal.aborted) return
    const told = new Promise<void>((resolve) => {
      this.#told = resolve
    })
    this.#services.edge.ask(id, { type: 'quit' })
    await Promise.race([told, once(signal, 'abort')])
  }

  async #next(): Promise<string | undefined> {
    try {
      return await this.#line.receive()
    } catch (error) {
      if (error instanceof ProtocolError && this.#sink.dialect === 'frames')
        this.#line.write(encode([{ type: 'error', code: 'BAD_MESSAGE', text: error.message }], 'frames'))
      throw error
    }
  }

  /** What is to be waited for before the next one is read, if anything: whether the connection goes on. */
  #hear(text: string): Promise<boolean> | undefined {
    let message: unknown
    try {
      if (this.#sink.dialect === 'text') return this.#hearLine(text)
      message = parseJson(text)
      return this.#hearMessage(message)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#refuse(error, message)
      return undefined
    }
  }

  #hearLine(text: string): Promise<boolean> | undefined {
    const { desk } = this.#services
    if (desk.asking) return desk.answer(text)
    // As every other service of this program takes it; and an empty line is nothing to complain about.
    const line = text.trim() === 'exit' ? '/quit' : text
    return line.trim() === '' ? undefined : this.#carryOut(parseLine(line))
  }

  #hearMessage(message: unknown): Promise<boolean> | undefined {
    const entrance = parseEntrance(message)
    if (entrance !== undefined) {
      if (this.#entered) throw new Refusal('BAD_MESSAGE', 'you have entered already; "join" takes you to other rooms')
      this.#enter(entrance.resume)
      return undefined
    }
    const request = parseMessage(message)
    if (request.type === 'passwd' && request.old === undefined)
      throw new Refusal('USAGE', 'a program sends both passwords: {"type":"passwd","old":…,"new":…}')
    return this.#carryOut(request)
  }

  #carryOut(request: Request): Promise<boolean> | undefined {
    if (isForAccounts(request)) return this.#services.desk.take(request)
    if (!this.#entered) this.#enter({})
    this.#services.edge.ask(this.#line.id, request)
    return undefined
  }

  #enter(resume: Readonly<Record<string, number>>): void {
    this.#entered = true
    this.#services.edge.open({ id: this.#line.id, ...this.#user, resume }, this.#sink)
  }

  #refuse({ code, message: text }: Refusal, message: unknown): void {
    if (!this.#entered) this.#enter({})
    const cid =
      typeof message === 'object' && message !== null && 'cid' in message && typeof message.cid === 'string'
        ? { cid: message.cid.slice(0, limits.chatCidChars) }
        : {}
    this.#services.edge.answer(this.#line.id, this.#sink, { type: 'error', code, text, ...cid })
    if (code === 'BAD_MESSAGE' && ++this.#nonsense >= limits.badMessages)
      throw new ProtocolError('BAD_MESSAGE', 'too many bad messages')
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal('BAD_MESSAGE', 'a message is a JSON object with a "type"')
  }
}
