import type { ServerMessage } from '../../accounts/messages.ts'
import { accountCommands, replyLines } from '../../accounts/replies.ts'
import { ExitCode } from '../../base/errors.ts'
import { printable } from '../../base/visible.ts'
import { PromptClosed } from '../../options/ask.ts'
import { text } from '../../options/kinds.ts'
import { type ClientResult, endedHere, endedThere } from './client.ts'
import { type JsonMessage, type MessageStream, malformed, replyError } from './message-stream.ts'
import type { Screen } from './screen.ts'

/**
 * The session of someone who has logged in to `serve auth`: commands to the server, its replies to the screen, until the
 * server closes; 'logged-out' or 'expired' when the session is over and the connection stands. Rejects with `replyError` when
 * the server ends it.
 */
export async function accountSession(
  stream: MessageStream,
  screen: Screen,
): Promise<ClientResult | 'logged-out' | 'expired'> {
  const passwords = new PasswordDialog(screen)
  let isOurEnd = false
  const send = (message: JsonMessage): boolean => {
    stream.send(message)
    return true
  }
  const sendTyped = async (): Promise<never> => {
    for await (const line of screen.lines()) {
      const request = requestOf(line)
      if (request === undefined) screen.remark(accountCommands)
      else if (request.type === 'passwd') await passwords.run(send)
      else if (request.type !== '') stream.send(request)
    }
    isOurEnd = true
    stream.end()
    return new Promise(() => undefined)
  }
  return Promise.race([showReplies(stream, screen, passwords, () => isOurEnd), sendTyped()])
}

async function showReplies(
  stream: MessageStream,
  screen: Screen,
  passwords: PasswordDialog,
  isOurEnd: () => boolean,
): Promise<ClientResult | 'logged-out' | 'expired'> {
  for (let message = await stream.receive(); message !== undefined; message = await stream.receive()) {
    if (message.type === 'bye' && message.reason !== 'exit') throw replyError(message)
    const lines = message.type === 'error' ? [printable(String(message.message))] : accountLines(message)
    for (const line of lines) screen.print(line)
    passwords.onMessage(message)
    if (message.type === 'logged-out' && message.here === true) return 'logged-out'
    if (message.type === 'denied' && message.reason === 'no-session') return 'expired'
    await screen.drained()
  }
  return { how: isOurEnd() ? endedHere : endedThere, exit: ExitCode.ok }
}

/** What a typed line asks for, of the type '' when for nothing; undefined when it is no command. */
function requestOf(line: string): JsonMessage | undefined {
  const [command = '', argument, ...rest] = line.trim().toLowerCase().split(/\s+/)
  if (command === 'logout' && rest.length === 0)
    return { type: 'logout', ...(argument !== undefined && { which: argument }) }
  return argument === undefined && bareCommands.has(command) ? { type: command } : undefined
}

/** Commands without an argument; the empty line among them, which asks for nothing. */
const bareCommands = new Set(['', 'whoami', 'sessions', 'passwd', 'exit'])

const accountReplies = ['denied', 'wait', 'bye', 'whoami', 'sessions', 'logged-out', 'changed', 'renamed']

/**
 * What the account service tells someone who is logged in, as lines; none for a type that is not known.
 * @throws {ProtocolError} for a message without the fields of its type.
 */
export function accountLines(message: JsonMessage): readonly string[] {
  if (!accountReplies.includes(message.type)) return []
  try {
    return replyLines(message as unknown as ServerMessage).map(printable)
  } catch (error) {
    throw malformed(error)
  }
}

const passwordSpec = { kind: text, summary: 'password', default: '', secret: true } as const

/**
 * Asks a person for the old password and twice for the new one, until the server has taken them or the person gives up. It
 * asks again by itself: whoever reads that a password was wrong types the next one at once, and as an ordinary line that
 * one would be shown, and sent to others.
 */
export class PasswordDialog {
  readonly #screen: Screen
  #answer: ((message: JsonMessage | undefined) => void) | undefined

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /**
   * Resolves when it is changed or given up; both have been said then.
   * @param send answers whether there was a connection to send it on.
   */
  async run(send: (message: JsonMessage) => boolean): Promise<void> {
    const screen = this.#screen
    if (!screen.interactive) {
      screen.remark('passwd asks for passwords, and there is no terminal to ask on.')
      return
    }
    try {
      await this.#ask(send)
    } catch (error) {
      if (!(error instanceof PromptClosed)) throw error
      screen.remark('Nothing was changed.')
    }
  }

  /** To be called with each message of the server: one of them is the answer. */
  onMessage(message: JsonMessage): void {
    const answers = message.type === 'changed' || (message.type === 'denied' && message.reason !== 'no-such')
    if (answers) this.#answer?.(message)
  }

  /** The connection is lost, and with it the answer to what was sent. */
  onDisconnect(): void {
    this.#answer?.(undefined)
  }

  async #ask(send: (message: JsonMessage) => boolean): Promise<void> {
    let old: string | undefined
    for (;;) {
      old ??= await this.#secret('Old password')
      const next = await this.#secret('New password')
      if ((await this.#secret('New password again')) !== next) {
        this.#screen.remark('The two new passwords differ.')
        continue
      }
      const { promise, resolve } = Promise.withResolvers<JsonMessage | undefined>()
      this.#answer = resolve
      if (!send({ type: 'passwd', old, new: next })) {
        this.#screen.remark('Not connected: nothing was changed.')
        return
      }
      const answer = await promise
      if (answer === undefined) {
        this.#screen.remark(
          'The connection was lost before the answer: the password may be the old one or the new one.',
        )
        return
      }
      if (answer.type === 'changed' || answer.reason === 'no-session') return
      if (answer.reason !== 'bad-password') old = undefined
    }
  }

  /** @throws {PromptClosed} also for an empty answer, which can be no password. */
  async #secret(question: string): Promise<string> {
    const answer = await this.#screen.ask(question, passwordSpec)
    if (answer === '') throw new PromptClosed()
    return answer
  }
}
