import { checkKnownName, nameFaults } from '../text/names.ts'
import type { Decoded, MessageCodec } from './message-stream.ts'
import type { AccountMessage, LoginMessage, ServerMessage } from './messages.ts'
import { accountCommands, replyLines } from './replies.ts'

/** What the next line is taken for. */
type LoginPrompt =
  | { readonly what: 'name' }
  | {
      readonly what: 'password'
      readonly name: string
      /** Typed and refused; the same again means that someone wants to register with it. */
      readonly refused?: string
    }
  | { readonly what: 'code'; readonly name: string; readonly password: string }
  /** The password was given for one login: a new one is asked for twice. */
  | { readonly what: 'new password'; readonly name: string; readonly password: string; readonly next?: string }

type Attempt = Extract<LoginMessage, { readonly type: 'login' | 'register' }>

const hint =
  'New here? Type the same password once more to register. Or try another one, or an empty line for another name.'
/** Where nobody can register. */
const closedHint = 'Try another one, or an empty line for another name.'

const prompts = {
  name: 'Name:',
  password: 'Password (visible here as you type; "netlab connect" hides it):',
  code: 'Registration code (an empty line for another name):',
} as const

/**
 * The login for a person who types lines. Name and password are asked in turn. That both an unknown name and a wrong
 * password lead to the same question, and the same password twice to registering, keeps who exists a secret until someone
 * tries to register.
 */
export class LoginTextCodec implements MessageCodec<LoginMessage, ServerMessage> {
  #service = 'auth'
  #expected: LoginPrompt = { what: 'name' }
  /** Sent last, and not yet answered. */
  #tried: Attempt | undefined
  /** Nobody can register here. */
  #closed = false

  decode(text: string): Decoded<LoginMessage> {
    if (text.trim() === 'exit') return { kind: 'message', message: { type: 'exit' } }
    const expected = this.#expected
    if (expected.what === 'name') return this.#decodeName(text)
    if (text === '') {
      this.#expected = { what: 'name' }
      return { kind: 'incomplete', lines: [this.#prompt()] }
    }
    if (expected.what === 'new password') return this.#decodeNewPassword(text, expected)
    const { name } = expected
    if (expected.what === 'code') return this.#send({ type: 'register', name, password: expected.password, code: text })
    const type = text === expected.refused && !this.#closed ? 'register' : 'login'
    return this.#send({ type, name, password: text })
  }

  encode(message: ServerMessage): readonly string[] {
    const lines = replyLines(message)
    if (message.type === 'hello') {
      this.#service = message.service
      this.#closed = message.registration === 'closed'
      return [...lines, this.#prompt()]
    }
    // Other services greet with commands of their own.
    if (message.type === 'welcome' && this.#service !== 'auth') return lines.filter((line) => line !== accountCommands)
    if (message.type !== 'denied') return lines
    if (message.reason === 'wrong' && this.#tried !== undefined) {
      this.#expected = { what: 'password', name: this.#tried.name, refused: this.#tried.password }
      return [...lines, this.#closed ? closedHint : hint, this.#prompt()]
    }
    if (message.reason === 'code' && this.#tried !== undefined) {
      this.#expected = { what: 'code', name: this.#tried.name, password: this.#tried.password }
      return [...lines, this.#prompt()]
    }
    if (['bad-name', 'taken', 'full', 'no-session'].includes(message.reason)) this.#expected = { what: 'name' }
    else if (this.#tried !== undefined) {
      const { name, password } = this.#tried
      const changes = 'new' in this.#tried
      if (message.reason === 'must-change' || (changes && message.reason === 'bad-password'))
        this.#expected = { what: 'new password', name, password }
      else if (message.reason === 'bad-password') this.#expected = { what: 'password', name }
    }
    return [...lines, this.#prompt()]
  }

  #decodeName(text: string): Decoded<LoginMessage> {
    // No name begins so; and whoever copies the hint may copy its quotation marks.
    const token = /^"?resume +([^\s"]+)"? *$/i.exec(text)?.[1]
    if (token !== undefined) return { kind: 'message', message: { type: 'resume', token } }
    const check = checkKnownName(text)
    if (check.kind === 'bad') return { kind: 'incomplete', lines: [nameFaults[check.why], this.#prompt()] }
    this.#expected = { what: 'password', name: check.name }
    return { kind: 'incomplete', lines: [this.#prompt()] }
  }

  #decodeNewPassword(
    text: string,
    { name, password, next }: Extract<LoginPrompt, { readonly what: 'new password' }>,
  ): Decoded<LoginMessage> {
    this.#expected = { what: 'new password', name, password, ...(next === undefined && { next: text }) }
    if (next === undefined) return { kind: 'incomplete', lines: [this.#prompt()] }
    if (next !== text) return { kind: 'incomplete', lines: ['The two new passwords differ.', this.#prompt()] }
    return this.#send({ type: 'login', name, password, new: text })
  }

  #send(message: Attempt): Decoded<LoginMessage> {
    this.#tried = message
    return { kind: 'message', message }
  }

  #prompt(): string {
    const expected = this.#expected
    if (expected.what !== 'new password') return prompts[expected.what]
    return expected.next === undefined ? 'New password:' : 'New password again:'
  }
}

/** The commands of someone who is logged in and types lines. */
export class AccountTextCodec implements MessageCodec<AccountMessage, ServerMessage> {
  readonly #password = new PasswordPrompter()

  decode(text: string): Decoded<AccountMessage> {
    if (this.#password.asking) return this.#password.answer(text)
    const token = /^resume (\S+)$/.exec(text.trim())?.[1]
    if (token !== undefined) return { kind: 'message', message: { type: 'resume', token } }
    const [command = '', argument, ...rest] = text.trim().toLowerCase().split(/\s+/)
    if (rest.length > 0) return incomplete(accountCommands)
    switch (command) {
      case '':
        return incomplete()
      case 'whoami':
      case 'sessions':
      case 'exit':
        return argument === undefined ? { kind: 'message', message: { type: command } } : incomplete(accountCommands)
      case 'logout':
        return { kind: 'message', message: { type: 'logout', ...(argument !== undefined && { which: argument }) } }
      case 'passwd':
        return argument === undefined ? incomplete(this.#password.begin()) : incomplete(accountCommands)
      default:
        return incomplete(accountCommands)
    }
  }

  encode(message: ServerMessage): readonly string[] {
    const question = this.#password.note(message)
    return question === undefined ? replyLines(message) : [...replyLines(message), question]
  }
}

const passwordQuestions = [
  'Old password (visible here as you type; an empty line changes nothing):',
  'New password:',
  'New password again:',
] as const

/**
 * Asks someone who types lines for the old password and twice for the new one, until it is changed or an empty line gives
 * up: whoever is told that a password was wrong types the next one at once, and it must not be taken for anything else.
 */
export class PasswordPrompter {
  #answers: readonly string[] | undefined

  /** The next line is an answer, whatever it looks like. */
  get asking(): boolean {
    return this.#answers !== undefined
  }

  /** Starts over. Returns the question. */
  begin(): string {
    return this.#ask([])
  }

  answer(text: string): Decoded<AccountMessage> {
    const [old, next] = this.#answers ?? []
    if (text === '') {
      this.#answers = undefined
      return incomplete('Nothing was changed.')
    }
    if (old === undefined) return incomplete(this.#ask([text]))
    if (next === undefined) return incomplete(this.#ask([old, text]))
    if (next !== text) return incomplete('The two new passwords differ.', this.#ask([old]))
    this.#answers = [old, next, text]
    return { kind: 'message', message: { type: 'passwd', old, new: next } }
  }

  /** Takes note of the server's message. Returns the question that is asked again, if any. */
  note(message: ServerMessage): string | undefined {
    const [old, , sent] = this.#answers ?? []
    if (old === undefined || sent === undefined) return undefined
    if (message.type === 'denied' && message.reason === 'bad-password') return this.#ask([old])
    if (message.type === 'denied' && message.reason !== 'no-session') return this.#ask([])
    if (message.type !== 'wait') this.#answers = undefined
    return undefined
  }

  #ask(answers: readonly string[]): string {
    this.#answers = answers
    return passwordQuestions[answers.length] ?? passwordQuestions[0]
  }
}

function incomplete(...lines: string[]): Decoded<AccountMessage> {
  return { kind: 'incomplete', lines }
}
