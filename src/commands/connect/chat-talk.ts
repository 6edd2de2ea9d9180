import type { Clock } from '../../base/clock.ts'
import { errorMessage, NetworkError } from '../../base/errors.ts'
import { ExitCode } from '../../base/exit-codes.ts'
import { printable } from '../../base/visible.ts'
import type { ClientView, ViewStep } from '../../chat/client-view.ts'
import { chatLimits } from '../../chat/limits.ts'
import type { ChatServerMessage } from '../../chat/message.ts'
import type { Backoff } from '../../chat/reconnect.ts'
import { accountLines } from './account-lines.ts'
import { type Channel, type Message, nonsense } from './channel.ts'
import type { Ending } from './connection.ts'
import { refused } from './greeting.ts'
import { PasswordChange } from './password-change.ts'
import type { Screen } from './screen.ts'

export interface ChatTalkOptions {
  readonly screen: Screen
  readonly view: ClientView
  readonly backoff: Backoff
  readonly clock: Clock
  /** Gives up coming back; it then rejects with the signal's reason. */
  readonly signal: AbortSignal
  /** Another connection, logged in; undefined when there was no service. Rejects with NetworkError when it's worth trying again. */
  reconnect(): Promise<Channel | undefined>
}

/** Lines on their way to the server: so few that a resend is always recognised, so many that a burst is not slowed down. */
const underWayCount = chatLimits.duplicateFilterIds / 2

/** No message has an id so high: asking for what came after it is asking for an answer, behind all other answers. */
const endOfTime = Number.MAX_SAFE_INTEGER

/** Someone in the chat: over all connections on a terminal, over one in a pipe. */
export class ChatTalk {
  readonly #options: ChatTalkOptions
  /** The client's own ids that the server has not answered. */
  readonly #underWay = new Set<string>()
  readonly #passwords: PasswordChange
  #channel: Channel | undefined
  #inputEnded = false
  #answered: (() => void) | undefined

  constructor(options: ChatTalkOptions) {
    this.#options = options
    this.#passwords = new PasswordChange(options.screen)
  }

  /**
   * Resolves with how it ended. Rejects as channels do, with whatever keeps it from logging in again, and with NetlabError
   * REFUSED when the server ends it.
   */
  run(channel: Channel, name: string): Promise<Ending | 'logged-out'> {
    // What is said comes back with name and time; without a connection that may take a while.
    this.#options.screen.vanishes = (line) => this.#channel !== undefined && isSaid(line)
    this.#options.screen.complete = (typed) => this.#options.view.complete(typed)
    return Promise.race([this.#type(), this.#stay(channel, name)])
  }

  async #stay(first: Channel, name: string): Promise<Ending | 'logged-out'> {
    for (let channel = first; ; channel = await this.#comeBack()) {
      this.#channel = channel
      this.#options.backoff.reset()
      this.#perform(this.#options.view.welcome(name))
      this.#wake()
      const ending = await this.#hear(channel)
      this.#channel = undefined
      this.#passwords.lost()
      channel.close()
      if (ending !== undefined) return ending
    }
  }

  /** Until the server says goodbye; undefined when the connection was lost, and somebody may want to come back. */
  async #hear(channel: Channel): Promise<Ending | 'logged-out' | undefined> {
    try {
      for (let message = await channel.receive(); message !== undefined; message = await channel.receive()) {
        const goodbye = message.type === 'bye' && (message.reason === 'exit' || message.reason === 'logged-out')
        if (message.type === 'bye' && !goodbye) throw refused(message)
        if (message.type === 'denied' && message.reason === 'no-session') throw refused(message)
        this.#perform(this.#understand(message))
        this.#passwords.hear(message)
        if (goodbye && message.reason === 'logged-out') return 'logged-out'
        if (goodbye) return { how: printable(String(message.message)), exit: ExitCode.ok }
        if (this.#inputEnded && isLastAnswer(message)) channel.send({ type: 'quit' })
        await this.#options.screen.drained()
      }
    } catch (error) {
      if (!(error instanceof NetworkError) || !this.#options.screen.interactive) throw error
    }
    if (this.#options.screen.interactive && !this.#inputEnded) return undefined
    return { how: 'the server closed the connection', exit: this.#inputEnded ? ExitCode.ok : ExitCode.unavailable }
  }

  /** @throws {ProtocolError} for a message without its fields. */
  #understand(message: Message): ViewStep {
    this.#settle(message.cid)
    if (!known.has(message.type)) return this.#options.view.aside(accountLines(message), message.type === 'denied')
    try {
      return this.#options.view.take(message as unknown as ChatServerMessage)
    } catch (error) {
      throw nonsense(error)
    }
  }

  async #comeBack(): Promise<Channel> {
    const { screen, backoff, reconnect, signal } = this.#options
    let why = 'the connection is lost'
    for (;;) {
      const waitMs = backoff.next()
      screen.setStatus(`${why}; trying again in ${Math.ceil(waitMs / 1000)} s (Ctrl-C leaves)`)
      await this.#pause(waitMs)
      try {
        const channel = await reconnect()
        if (signal.aborted) channel?.close()
        signal.throwIfAborted()
        if (channel !== undefined) {
          screen.setStatus('')
          return channel
        }
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error
        why = printable(errorMessage(error))
      }
    }
  }

  #pause(waitMs: number): Promise<void> {
    const { clock, signal } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = clock.after(waitMs, resolve)
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort)
    return promise.finally(() => {
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
    })
  }

  async #type(): Promise<Ending> {
    const { screen, view } = this.#options
    for await (const line of screen.lines()) {
      while (this.#channel !== undefined && this.#underWay.size >= underWayCount) await this.#answer()
      if (isPasswordChange(line) && this.#channel !== undefined) {
        await this.#passwords.run((message) => {
          this.#channel?.send(message)
          return this.#channel !== undefined
        })
        continue
      }
      const step = view.typed(line)
      this.#perform(step)
      if (this.#channel === undefined && step.send.some((message) => cidOf(message) === undefined)) {
        screen.remark('* not connected: commands have to wait, what you say is kept')
      }
    }
    this.#inputEnded = true
    if (this.#channel === undefined) return { how: 'left', exit: ExitCode.ok }
    while (this.#underWay.size > 0) await this.#answer()
    const room = view.current
    if (screen.interactive || room === undefined) this.#channel?.send({ type: 'quit' })
    else this.#channel?.send({ type: 'history', room, range: { after: endOfTime } })
    return new Promise(() => undefined)
  }

  #perform({ lines, send }: ViewStep): void {
    const { screen, view } = this.#options
    screen.setPrompt(view.prompt)
    for (const { text, bell } of lines) {
      screen.print(text)
      if (bell === true) screen.bell()
    }
    for (const message of send) {
      const cid = cidOf(message)
      if (cid !== undefined) this.#underWay.add(cid)
      this.#channel?.send(message as Message)
    }
  }

  /** Resolves with the next answer, or the next connection. */
  #answer(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#answered = resolve
    return promise
  }

  #settle(cid: unknown): void {
    if (typeof cid === 'string' && this.#underWay.delete(cid)) this.#wake()
  }

  #wake(): void {
    this.#answered?.()
  }
}

function cidOf(message: object): string | undefined {
  return 'cid' in message && typeof message.cid === 'string' ? message.cid : undefined
}

/** The answer to what was asked at the end of the input, or why there is none. */
function isLastAnswer({ type, messages, code }: Message): boolean {
  if (type === 'error') return code === 'HISTORY' || code === 'NOT_IN_ROOM'
  return type === 'history' && Array.isArray(messages) && messages.length === 0
}

const known: ReadonlySet<string> = new Set<ChatServerMessage['type']>([
  'message',
  'private',
  'joined',
  'history',
  'left',
  'presence',
  'topic',
  'rooms',
  'who',
  'help',
  'notice',
  'error',
  'pong',
  'bye',
])

/** With whatever may follow it: a password that somebody types there is asked for again, and goes nowhere. */
function isPasswordChange(line: string): boolean {
  return /^\/passwd(?:\s|$)/i.test(line)
}

/** Whether the server sends a line back to whoever said it, instead of answering it. */
function isSaid(line: string): boolean {
  return !line.startsWith('/') || line.startsWith('//') || line.startsWith('/me ')
}
