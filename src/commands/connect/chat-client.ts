import { type Clock, pause } from '../../base/clock.ts'
import { ExitCode, errorMessage, NetworkError } from '../../base/errors.ts'
import { printable } from '../../base/visible.ts'
import type { ClientView, ViewStep } from '../../chat/client-view.ts'
import type { ChatServerMessage } from '../../chat/message.ts'
import type { Backoff } from '../../chat/reconnect.ts'
import { commandLimits } from '../limits.ts'
import { accountLines, PasswordDialog } from './account-client.ts'
import { type ClientResult, endedHere, endedThere } from './client.ts'
import { type JsonMessage, type MessageStream, malformed, replyError } from './message-stream.ts'
import type { Screen } from './screen.ts'

export interface ChatClientOptions {
  readonly screen: Screen
  readonly view: ClientView
  readonly backoff: Backoff
  readonly clock: Clock
  /** Ends attempts to reconnect, which then reject with the signal's reason. */
  readonly signal: AbortSignal
  /** Another connection, logged in; undefined when no chat answered there. Rejects with NetworkError when it's worth trying again. */
  reconnect(): Promise<MessageStream | undefined>
}

const connectionLost = 'the connection is lost'

/** No message has an id so high: history after it is an empty answer, which comes behind the answers to all that was sent. */
const beyondAllIds = Number.MAX_SAFE_INTEGER

/** The session of someone in the chat: it outlasts its connections on a terminal, and ends with the first one in a pipe. */
export class ChatClient {
  readonly #options: ChatClientOptions
  /** Our own ids of messages that the server has not answered. */
  readonly #unanswered = new Set<string>()
  /** Commands that were typed since the server last answered one; unlike what is said they are not sent again. */
  #unansweredCommands: string[] = []
  /** Why there is no connection. */
  #lost = connectionLost
  readonly #passwords: PasswordDialog
  #stream: MessageStream | undefined
  #inputEnded = false
  #onAnswer: (() => void) | undefined

  constructor(options: ChatClientOptions) {
    this.#options = options
    this.#passwords = new PasswordDialog(options.screen)
  }

  /**
   * Resolves with how it ended. Rejects as streams do, with whatever keeps it from logging in again, and with `replyError`
   * when the server ends it.
   */
  run(stream: MessageStream, name: string): Promise<ClientResult | 'logged-out'> {
    // A chat line comes back from the server with name and time; without a connection it stays until that happens.
    this.#options.screen.vanishes = (line) => this.#stream !== undefined && isChatLine(line)
    this.#options.screen.complete = (typed) => this.#options.view.complete(typed)
    return Promise.race([this.#sendTyped(), this.#stayConnected(stream, name)])
  }

  async #stayConnected(first: MessageStream, name: string): Promise<ClientResult | 'logged-out'> {
    for (let stream = first; ; stream = await this.#reconnect()) {
      this.#stream = stream
      this.#options.backoff.reset()
      this.#perform(this.#options.view.welcome(name))
      this.#wake()
      const result = await this.#showMessages(stream)
      this.#stream = undefined
      this.#passwords.onDisconnect()
      stream.close()
      if (result !== undefined) return result
      for (const line of this.#unansweredCommands.splice(0)) this.#options.screen.print(`* not answered: ${line}`)
    }
  }

  /** Until the server says goodbye; undefined when the connection was lost and a person is there to reconnect for. */
  async #showMessages(stream: MessageStream): Promise<ClientResult | 'logged-out' | undefined> {
    this.#lost = connectionLost
    try {
      for (let message = await stream.receive(); message !== undefined; message = await stream.receive()) {
        const goodbye = message.type === 'bye' && (message.reason === 'exit' || message.reason === 'logged-out')
        if (message.type === 'bye' && !goodbye) throw replyError(message)
        if (message.type === 'denied' && message.reason === 'no-session') throw replyError(message)
        if (message.type !== 'message' && message.type !== 'presence') this.#unansweredCommands = []
        this.#perform(this.#decode(message))
        this.#passwords.onMessage(message)
        if (goodbye && message.reason === 'logged-out') return 'logged-out'
        if (goodbye) return { how: printable(String(message.message)), exit: ExitCode.ok }
        if (this.#inputEnded && isLastAnswer(message)) stream.send({ type: 'quit' })
        await this.#options.screen.drained()
      }
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      if (!this.#options.screen.interactive) {
        if (this.#unanswered.size > 0)
          this.#options.screen.remark(`* not acknowledged: ${this.#unanswered.size} of the lines sent`)
        throw error
      }
      if (error.code === 'NO_ANSWER') this.#lost = printable(error.message)
    }
    if (this.#options.screen.interactive && !this.#inputEnded) return undefined
    return this.#inputEnded ? { how: endedHere, exit: ExitCode.ok } : { how: endedThere, exit: ExitCode.unavailable }
  }

  /** @throws {ProtocolError} for a message without the fields of its type. */
  #decode(message: JsonMessage): ViewStep {
    this.#settle(message.cid)
    if (!chatReplies.has(message.type))
      return this.#options.view.aside(accountLines(message), message.type === 'denied')
    try {
      return this.#options.view.take(message as unknown as ChatServerMessage)
    } catch (error) {
      throw malformed(error)
    }
  }

  async #reconnect(): Promise<MessageStream> {
    const { screen, backoff, reconnect, clock, signal } = this.#options
    let why = this.#lost
    for (;;) {
      const waitMs = backoff.next()
      screen.setStatus(`${why}; trying again in ${Math.ceil(waitMs / 1000)} s (Ctrl-C leaves)`)
      await pause(clock, waitMs, signal)
      signal.throwIfAborted()
      try {
        const stream = await reconnect()
        if (signal.aborted) stream?.close()
        signal.throwIfAborted()
        if (stream !== undefined) {
          screen.setStatus('')
          return stream
        }
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error
        why = printable(errorMessage(error))
      }
    }
  }

  async #sendTyped(): Promise<ClientResult> {
    const { screen, view } = this.#options
    for await (const line of screen.lines()) {
      while (this.#stream !== undefined && this.#unanswered.size >= commandLimits.unansweredCount)
        await this.#nextAnswer()
      if (isPasswordChange(line) && this.#stream !== undefined) {
        await this.#passwords.run((message) => {
          this.#stream?.send(message)
          return this.#stream !== undefined
        })
        continue
      }
      const step = view.typed(line)
      this.#perform(step)
      if (step.send.every((message) => cidOf(message) !== undefined)) continue
      if (this.#stream === undefined) screen.remark('* not connected: commands have to wait, what you say is kept')
      else if (this.#unansweredCommands.push(printable(line)) > commandLimits.unansweredCount)
        this.#unansweredCommands.shift()
    }
    this.#inputEnded = true
    if (this.#stream === undefined) return { how: 'left', exit: ExitCode.ok }
    while (this.#unanswered.size > 0) await this.#nextAnswer()
    const room = view.current
    if (screen.interactive || room === undefined) this.#stream?.send({ type: 'quit' })
    else this.#stream?.send({ type: 'history', room, range: { after: beyondAllIds } })
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
      if (cid !== undefined) this.#unanswered.add(cid)
      this.#stream?.send(message as JsonMessage)
    }
  }

  /** Resolves with the next answer, or the next connection. */
  #nextAnswer(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onAnswer = resolve
    return promise
  }

  #settle(cid: unknown): void {
    if (typeof cid === 'string' && this.#unanswered.delete(cid)) this.#wake()
  }

  #wake(): void {
    this.#onAnswer?.()
  }
}

function cidOf(message: object): string | undefined {
  return 'cid' in message && typeof message.cid === 'string' ? message.cid : undefined
}

/** The answer to the history asked for at the end of the input, or why there is none. */
function isLastAnswer({ type, messages, code }: JsonMessage): boolean {
  if (type === 'error') return code === 'HISTORY' || code === 'NOT_IN_ROOM'
  return type === 'history' && Array.isArray(messages) && messages.length === 0
}

/** What the chat says; all other types are the accounts'. */
const chatReplies: ReadonlySet<string> = new Set<ChatServerMessage['type']>([
  'message',
  'private',
  'joined',
  'history',
  'left',
  'presence',
  'renamed',
  'moderated',
  'done',
  'topic',
  'rooms',
  'who',
  'help',
  'notice',
  'error',
  'pong',
  'bye',
])

/** Whatever follows it: a password typed on the same line is dropped, and asked for. */
function isPasswordChange(line: string): boolean {
  return /^\/passwd(?:\s|$)/i.test(line)
}

/** Whether the server sends the line back as a message, instead of answering it. */
function isChatLine(line: string): boolean {
  return !line.startsWith('/') || line.startsWith('//') || line.startsWith('/me ')
}
