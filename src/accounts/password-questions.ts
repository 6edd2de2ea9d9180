import type { AccountMessage, ServerMessage } from './messages.ts'
import type { Heard } from './talk.ts'

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
