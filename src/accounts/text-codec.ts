import { checkName, nameFaults } from '../text/names.ts'
import type { Heard, Voice } from './message-stream.ts'
import type { AccountMessage, LoginMessage, ServerMessage } from './messages.ts'
import { accountCommands, serverText } from './replies.ts'

/** What the next line is taken for. */
type Expected =
  | { readonly what: 'name' }
  | {
      readonly what: 'password'
      readonly name: string
      /** Typed and refused; the same again means that someone wants to register with it. */
      readonly refused?: string
    }

const hint =
  'New here? Type the same password once more to register. Or try another one, or an empty line for another name.'

/**
 * The login for a person who types lines. Name and password are asked in turn. That both an unknown name and a wrong
 * password lead to the same question, and the same password twice to registering, keeps who exists a secret until someone
 * tries to register.
 */
export class LoginText implements Voice<LoginMessage, ServerMessage> {
  #service = 'auth'
  #expected: Expected = { what: 'name' }
  /** Sent last, and not yet answered. */
  #tried: { readonly type: 'login' | 'register'; readonly name: string; readonly password: string } | undefined

  hear(text: string): Heard<LoginMessage> {
    if (text.trim() === 'exit') return { kind: 'message', message: { type: 'exit' } }
    const expected = this.#expected
    if (expected.what === 'name') return this.#hearName(text)
    if (text === '') {
      this.#expected = { what: 'name' }
      return { kind: 'more', say: [this.#prompt()] }
    }
    const type = text === expected.refused ? 'register' : 'login'
    this.#tried = { type, name: expected.name, password: text }
    return { kind: 'message', message: this.#tried }
  }

  say(message: ServerMessage): readonly string[] {
    const lines = serverText(message)
    if (message.type === 'hello') {
      this.#service = message.service
      return [...lines, this.#prompt()]
    }
    // Other services greet with commands of their own.
    if (message.type === 'welcome' && this.#service !== 'auth') return lines.filter((line) => line !== accountCommands)
    if (message.type !== 'denied') return lines
    if (message.reason === 'wrong' && this.#tried !== undefined) {
      this.#expected = { what: 'password', name: this.#tried.name, refused: this.#tried.password }
      return [...lines, hint, this.#prompt()]
    }
    if (['bad-name', 'taken', 'full', 'no-session'].includes(message.reason)) this.#expected = { what: 'name' }
    else if (message.reason === 'bad-password' && this.#tried !== undefined) {
      this.#expected = { what: 'password', name: this.#tried.name }
    }
    return [...lines, this.#prompt()]
  }

  #hearName(text: string): Heard<LoginMessage> {
    // No name begins so; and whoever copies the hint may copy its quotation marks.
    const token = /^"?resume +([^\s"]+)"? *$/i.exec(text)?.[1]
    if (token !== undefined) return { kind: 'message', message: { type: 'resume', token } }
    const check = checkName(text)
    if (check.kind === 'bad') return { kind: 'more', say: [nameFaults[check.why], this.#prompt()] }
    this.#expected = { what: 'password', name: check.name }
    return { kind: 'more', say: [this.#prompt()] }
  }

  #prompt(): string {
    return this.#expected.what === 'name' ? 'Name:' : 'Password (visible here as you type; "netlab connect" hides it):'
  }
}

/** The commands of someone who is logged in and types lines. */
export class AccountText implements Voice<AccountMessage, ServerMessage> {
  readonly #password = new PasswordQuestions()

  hear(text: string): Heard<AccountMessage> {
    if (this.#password.asking) return this.#password.hear(text)
    const token = /^resume (\S+)$/.exec(text.trim())?.[1]
    if (token !== undefined) return { kind: 'message', message: { type: 'resume', token } }
    const [command = '', argument, ...rest] = text.trim().toLowerCase().split(/\s+/)
    if (rest.length > 0) return more(accountCommands)
    switch (command) {
      case '':
        return more()
      case 'whoami':
      case 'sessions':
      case 'exit':
        return argument === undefined ? { kind: 'message', message: { type: command } } : more(accountCommands)
      case 'logout':
        return { kind: 'message', message: { type: 'logout', ...(argument !== undefined && { which: argument }) } }
      case 'passwd':
        return argument === undefined ? more(this.#password.begin()) : more(accountCommands)
      default:
        return more(accountCommands)
    }
  }

  say(message: ServerMessage): readonly string[] {
    const question = this.#password.outcome(message)
    return question === undefined ? serverText(message) : [...serverText(message), question]
  }
}

const questions = [
  'Old password (visible here as you type; an empty line changes nothing):',
  'New password:',
  'New password again:',
] as const

/**
 * Asks someone who types lines for the old password and twice for the new one, until it is changed or an empty line gives
 * up: whoever is told that a password was wrong types the next one at once, and it must not be taken for anything else.
 */
export class PasswordQuestions {
  #answers: readonly string[] | undefined

  /** The next line is an answer, whatever it looks like. */
  get asking(): boolean {
    return this.#answers !== undefined
  }

  /** Starts over. Returns the question. */
  begin(): string {
    return this.#ask([])
  }

  hear(text: string): Heard<AccountMessage> {
    const [old, next] = this.#answers ?? []
    if (text === '') {
      this.#answers = undefined
      return more('Nothing was changed.')
    }
    if (old === undefined) return more(this.#ask([text]))
    if (next === undefined) return more(this.#ask([old, text]))
    if (next !== text) return more('The two new passwords differ.', this.#ask([old]))
    this.#answers = [old, next, text]
    return { kind: 'message', message: { type: 'passwd', old, new: next } }
  }

  /** What came of it. Returns the question that is asked again, if any. */
  outcome(message: ServerMessage): string | undefined {
    const [old, , sent] = this.#answers ?? []
    if (old === undefined || sent === undefined) return undefined
    if (message.type === 'denied' && message.reason === 'bad-password') return this.#ask([old])
    if (message.type === 'denied' && message.reason !== 'no-session') return this.#ask([])
    if (message.type !== 'wait') this.#answers = undefined
    return undefined
  }

  #ask(answers: readonly string[]): string {
    this.#answers = answers
    return questions[answers.length] ?? questions[0]
  }
}

function more(...say: string[]): Heard<AccountMessage> {
  return { kind: 'more', say }
}
