import { AccountSession, type AccountSessionServices } from '../accounts/account-session.ts'
import type { SessionInfo } from '../accounts/accounts.ts'
import { type Decoded, jsonCodec, type MessageCodec, ServerMessageStream } from '../accounts/message-stream.ts'
import { type AccountMessage, accountShapes, type ServerMessage } from '../accounts/messages.ts'
import { replyLines } from '../accounts/replies.ts'
import { PasswordPrompter } from '../accounts/text-codec.ts'
import type { Timer } from '../base/clock.ts'
import type { AccountRequest } from '../chat/commands.ts'
import type { ChatAccount } from '../chat/conversation.ts'
import type { Dialect } from '../net/dialect.ts'
import type { Session } from '../net/session.ts'

/** The accounts as somebody in the chat reaches them: the same requests and answers as in `serve auth`. */
export class ChatAccountSession implements ChatAccount {
  readonly #client: Session
  readonly #text: ChatAccountTextCodec
  readonly #stream: ServerMessageStream<AccountMessage, ServerMessage>
  readonly #account: AccountSession
  #using: Timer

  /** @param useMs how often the session is used by being here, so that it does not end for want of use */
  constructor(
    client: Session,
    dialect: Dialect,
    session: SessionInfo,
    services: AccountSessionServices & { readonly useMs: number },
  ) {
    this.#client = client
    this.#text = new ChatAccountTextCodec()
    this.#stream = new ServerMessageStream(client, dialect === 'frames' ? jsonCodec(accountShapes) : this.#text)
    this.#account = new AccountSession(this.#stream, session, services)
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
    const decoded = this.#text.decode(line)
    if (decoded.kind === 'message') return this.#perform(decoded.message)
    if (decoded.kind === 'incomplete') this.#say(decoded.lines)
    return true
  }

  async carryOut(request: AccountRequest): Promise<boolean> {
    this.#stream.ref = request.ref
    try {
      return await this.#carryOut(request)
    } finally {
      this.#stream.ref = undefined
    }
  }

  async #carryOut(request: AccountRequest): Promise<boolean> {
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
    this.#account.close()
  }

  #say(lines: readonly string[]): void {
    for (const line of lines) this.#client.send(line)
  }

  async #perform(message: AccountMessage): Promise<boolean> {
    const state = await this.#account.handle(message)
    if (state !== 'logged-out') return state === 'open'
    // Nobody may log in again on this connection: the chat would go on sending it what is meant for the first person.
    this.#stream.send({ type: 'bye', reason: 'logged-out', message: 'goodbye' })
    this.#client.end('exit')
    return false
  }
}

/** The accounts' lines, marked as whatever the chat itself says. */
class ChatAccountTextCodec implements MessageCodec<AccountMessage, ServerMessage> {
  readonly #password = new PasswordPrompter()

  get asking(): boolean {
    return this.#password.asking
  }

  begin(): readonly string[] {
    return ['What you type now is said to nobody.', this.#password.begin()].map(marked)
  }

  decode(text: string): Decoded<AccountMessage> {
    const decoded = this.#password.answer(text)
    return decoded.kind === 'incomplete' ? { ...decoded, lines: decoded.lines.map(marked) } : decoded
  }

  encode(message: ServerMessage): readonly string[] {
    const question = this.#password.note(message)
    const lines = replyLines(message).map((line) => (message.type === 'denied' ? `! ${line}` : marked(line)))
    return question === undefined ? lines : [...lines, marked(question)]
  }
}

function marked(line: string): string {
  return `* ${line}`
}
