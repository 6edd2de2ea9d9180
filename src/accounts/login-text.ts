import { checkName, nameFaults } from '../text/names.ts'
import type { LoginMessage, ServerMessage } from './messages.ts'
import { accountCommands, serverText } from './server-text.ts'
import type { Heard, Voice } from './talk.ts'

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
