import { AccountDesk, type DeskServices } from '../accounts/account-session.ts'
import type { SessionInfo } from '../accounts/accounts.ts'
import { frameVoice, type Heard, type Line, Talk, type Voice } from '../accounts/message-stream.ts'
import { type AccountMessage, accountShapes, type ServerMessage } from '../accounts/messages.ts'
import { serverText } from '../accounts/replies.ts'
import { PasswordQuestions } from '../accounts/text-codec.ts'
import type { Timer } from '../base/clock.ts'
import type { AccountRequest } from '../chat/commands.ts'
import type { ChatAccount } from '../chat/conversation.ts'

/** The accounts as somebody in the chat reaches them: the same requests and answers as in `serve auth`. */
export class ChatAccountSession implements ChatAccount {
  readonly #line: Line
  readonly #text: AsideText
  readonly #talk: Talk<AccountMessage, ServerMessage>
  readonly #desk: AccountDesk
  #using: Timer

  /** @param useMs how often the session is used by being here, so that it does not end for want of use */
  constructor(
    line: Line,
    dialect: 'frames' | 'text',
    session: SessionInfo,
    services: DeskServices & { readonly useMs: number },
  ) {
    this.#line = line
    this.#text = new AsideText()
    this.#talk = new Talk(line, dialect === 'frames' ? frameVoice(accountShapes) : this.#text)
    this.#desk = new AccountDesk(this.#talk, session, services)
    const { clock, accounts, useMs } = services
    const use = (): void => {
      this.#using = clock.after(useMs, use, { background: true })
      // Only the use counts: whether the session has ended, or the accounts fail, shows in every other request.
      accounts.sessions({ session: session.id }).catch(() => undefined)
    }
    this.#using = clock.after(useMs, use, { background: true })
  }

  get asking(): boolean {
    return this.#text.asking
  }

  async answer(line: string): Promise<boolean> {
    const heard = this.#text.hear(line)
    if (heard.kind === 'message') return this.#perform(heard.message)
    if (heard.kind === 'more') this.#say(heard.say)
    return true
  }

  async carryOut(request: AccountRequest): Promise<boolean> {
    switch (request.type) {
      case 'passwd':
        if (request.old !== undefined && request.new !== undefined)
          return this.#perform({ type: 'passwd', old: request.old, new: request.new })
        this.#say(this.#text.begin())
        return true
      case 'logout':
        return this.#perform({ type: 'logout', ...(request.which !== undefined && { which: request.which }) })
      default:
        return this.#perform({ type: request.type })
    }
  }

  /** No longer listens to what becomes of the session. */
  close(): void {
    this.#using.cancel()
    this.#desk.close()
  }

  #say(lines: readonly string[]): void {
    for (const line of lines) this.#line.send(line)
  }

  async #perform(message: AccountMessage): Promise<boolean> {
    const state = await this.#desk.take(message)
    if (state !== 'logged-out') return state === 'open'
    // Nobody may log in again on this connection: the chat would go on sending it what is meant for the first person.
    this.#talk.tell({ type: 'bye', reason: 'logged-out', message: 'goodbye' })
    this.#line.end('exit')
    return false
  }
}

/** The accounts' lines, marked as whatever the chat itself says. */
class AsideText implements Voice<AccountMessage, ServerMessage> {
  readonly #password = new PasswordQuestions()

  get asking(): boolean {
    return this.#password.asking
  }

  begin(): readonly string[] {
    return ['What you type now is said to nobody.', this.#password.begin()].map(marked)
  }

  hear(text: string): Heard<AccountMessage> {
    const heard = this.#password.hear(text)
    return heard.kind === 'more' ? { ...heard, say: heard.say.map(marked) } : heard
  }

  say(message: ServerMessage): readonly string[] {
    const question = this.#password.outcome(message)
    const lines = serverText(message).map((line) => (message.type === 'denied' ? `! ${line}` : marked(line)))
    return question === undefined ? lines : [...lines, marked(question)]
  }
}

function marked(line: string): string {
  return `* ${line}`
}
