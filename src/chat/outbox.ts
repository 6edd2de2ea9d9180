import type { Audience, Outgoing } from './audience.ts'
import type { History } from './history.ts'
import type { ChatMessage } from './message.ts'

export interface OutboxOptions {
  readonly history: History
  readonly audience: Audience
  /** Runs the callback at the end of this turn of the event loop (setImmediate). */
  readonly defer: (callback: () => void) => void
  /** The history took a batch, or said why not. */
  readonly stored: (error: string | undefined, count: number) => void
}

/**
 * Keeps the one order and the promise behind every echo: what goes in comes out in the same order, and no message comes out
 * before the history has it. While one batch is being stored the next one gathers (group commit), so a slow disk makes
 * batches larger, not the queue of commits longer.
 */
export class Outbox {
  readonly #options: OutboxOptions
  #waiting: Outgoing[] = []
  #messages: ChatMessage[] = []
  #deferred = false
  #storing = false

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Messages that are not out yet. */
  get backlog(): number {
    return this.#messages.length
  }

  push(outgoing: Outgoing): void {
    this.#waiting.push(outgoing)
    this.#schedule()
  }

  /** A message that members wait for: stored before anybody sees it. */
  say(message: ChatMessage): void {
    this.#messages.push(message)
    this.push({ type: 'room', room: message.room, message })
  }

  /** Sends at once, before everything that still waits: for an answer of the history, which shows exactly what is out. */
  pushNow(outgoing: readonly Outgoing[]): void {
    this.#options.audience.deliver(outgoing)
  }

  #schedule(): void {
    if (this.#deferred || this.#storing) return
    this.#deferred = true
    this.#options.defer(() => {
      this.#deferred = false
      this.#flush()
    })
  }

  #flush(): void {
    const outgoing = this.#waiting
    const messages = this.#messages
    this.#waiting = []
    this.#messages = []
    if (messages.length === 0) {
      this.#options.audience.deliver(outgoing)
      return
    }
    this.#storing = true
    this.#options.history.append(messages, (error) => {
      this.#storing = false
      this.#options.stored(error, messages.length)
      this.#options.audience.deliver(error === undefined ? outgoing : outgoing.map(markUnstored))
      if (this.#waiting.length > 0) this.#schedule()
    })
  }
}

function markUnstored(outgoing: Outgoing): Outgoing {
  if (outgoing.type !== 'room' || outgoing.message.type !== 'message') return outgoing
  return { ...outgoing, message: { ...outgoing.message, unstored: true } }
}
