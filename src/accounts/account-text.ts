import type { AccountMessage, ServerMessage } from './messages.ts'
import { accountCommands, serverText } from './server-text.ts'
import type { Heard, Voice } from './talk.ts'

/** The passwords that `passwd` asks for, in turn. */
type Change = readonly string[]

const questions = ['Old password:', 'New password:', 'New password again:']

/** The commands of someone who is logged in and types lines. */
export class AccountText implements Voice<AccountMessage, ServerMessage> {
  #change: Change | undefined

  hear(text: string): Heard<AccountMessage> {
    if (this.#change !== undefined) return this.#hearPassword([...this.#change, text])
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
        this.#change = []
        return more(...questions.slice(0, 1))
      default:
        return more(accountCommands)
    }
  }

  say(message: ServerMessage): readonly string[] {
    return serverText(message)
  }

  #hearPassword(answers: Change): Heard<AccountMessage> {
    const question = questions[answers.length]
    this.#change = question === undefined ? undefined : answers
    if (question !== undefined) return more(question)
    const [old = '', next = '', again] = answers
    if (next !== again) return more('The two new passwords differ; nothing was changed.')
    return { kind: 'message', message: { type: 'passwd', old, new: next } }
  }
}

function more(...say: string[]): Heard<AccountMessage> {
  return { kind: 'more', say }
}
