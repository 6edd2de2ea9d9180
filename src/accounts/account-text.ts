import type { AccountMessage, ServerMessage } from './messages.ts'
import { PasswordQuestions } from './password-questions.ts'
import { accountCommands, serverText } from './server-text.ts'
import type { Heard, Voice } from './talk.ts'

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

function more(...say: string[]): Heard<AccountMessage> {
  return { kind: 'more', say }
}
