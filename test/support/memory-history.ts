import type { History, ModerationEntry } from '../../src/chat/history.ts'
import { chatLimits } from '../../src/chat/limits.ts'
import type { ChatMessage, HistoryPage, HistoryRange } from '../../src/chat/message.ts'

/** A history that answers when it is told to, one question at a time, in order; and fails when `broken` is set. */
export class MemoryHistory implements History {
  readonly stored: ChatMessage[] = []
  readonly moderation: { readonly entry: ModerationEntry; readonly off: boolean }[] = []
  broken: string | undefined
  readonly #questions: (() => void)[] = []

  get waiting(): number {
    return this.#questions.length
  }

  append(messages: readonly ChatMessage[], done: (error: string | undefined) => void): void {
    this.#questions.push(() => {
      if (this.broken === undefined) this.stored.push(...messages)
      done(this.broken)
    })
  }

  page(room: string, range: HistoryRange, done: (page: HistoryPage | undefined) => void): void {
    this.#questions.push(() => done(this.#page(room, range)))
  }

  moderate(entry: ModerationEntry, off: boolean, done: (error: string | undefined) => void): void {
    this.#questions.push(() => {
      this.moderation.push({ entry, off })
      done(this.broken)
    })
  }

  /** Answers the oldest question; false when there is none. */
  answer(): boolean {
    const question = this.#questions.shift()
    question?.()
    return question !== undefined
  }

  #page(room: string, range: HistoryRange): HistoryPage {
    const there = this.stored.filter((message) => message.room === room)
    const limit = 'last' in range ? range.last : (range.limit ?? chatLimits.pageCount)
    if ('after' in range) {
      const found = there.filter(({ id }) => id > range.after)
      return { messages: found.slice(0, limit), more: found.length > limit }
    }
    const found = 'before' in range ? there.filter(({ id }) => id < range.before) : there
    return { messages: found.slice(-limit), more: found.length > limit }
  }
}
