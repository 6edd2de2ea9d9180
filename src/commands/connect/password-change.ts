import { PromptClosed } from '../../options/ask.ts'
import { text } from '../../options/kinds.ts'
import type { Message } from './channel.ts'
import type { Screen } from './screen.ts'

const secret = { kind: text, summary: 'password', default: '', secret: true } as const

/**
 * Asks a person for the old password and twice for the new one, until the server has taken them or the person gives up:
 * whoever hears that a password was wrong types the next one at once, and it must not land anywhere else.
 */
export class PasswordChange {
  readonly #screen: Screen
  #answer: ((message: Message | undefined) => void) | undefined

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /**
   * Resolves when it is changed or given up; both have been said then.
   * @param send answers whether there was a connection to send it on.
   */
  async run(send: (message: Message) => boolean): Promise<void> {
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

  /** The server said something. */
  hear(message: Message): void {
    const answers = message.type === 'changed' || (message.type === 'denied' && message.reason !== 'no-such')
    if (answers) this.#answer?.(message)
  }

  /** The connection is lost, and an answer with it. */
  lost(): void {
    this.#answer?.(undefined)
  }

  async #ask(send: (message: Message) => boolean): Promise<void> {
    let old: string | undefined
    for (;;) {
      old ??= await this.#secret('Old password')
      const next = await this.#secret('New password')
      if ((await this.#secret('New password again')) !== next) {
        this.#screen.remark('The two new passwords differ.')
        continue
      }
      const { promise, resolve } = Promise.withResolvers<Message | undefined>()
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
    const answer = await this.#screen.ask(question, secret)
    if (answer === '') throw new PromptClosed()
    return answer
  }
}
