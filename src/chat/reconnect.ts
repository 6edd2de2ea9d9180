import { chatLimits } from './limits.ts'

/** Exponential back-off with jitter: how long to wait before each attempt to connect again. */
export class Backoff {
  readonly #random: () => number
  #attempts = 0

  /** @param random from 0 up to 1, as Math.random */
  constructor(random: () => number) {
    this.#random = random
  }

  /** Milliseconds before the next attempt. */
  next(): number {
    const full = Math.min(chatLimits.reconnectMaxMs, chatLimits.reconnectMs * 2 ** this.#attempts)
    this.#attempts = Math.min(this.#attempts + 1, 30)
    return Math.round(full * (0.5 + this.#random() / 2))
  }

  /** There is a connection: the next loss starts again with the short wait. */
  reset(): void {
    this.#attempts = 0
  }
}

/** What a client has sent and the server has not acknowledged. Outlives the connection: sent again, with the same ids, over the next. */
export class ClientOutbox {
  readonly #newId: () => string
  readonly #waiting = new Map<string, object>()

  /** @param newId unique among all that this person ever says, on whatever machine: a random UUID */
  constructor(newId: () => string) {
    this.#newId = newId
  }

  get size(): number {
    return this.#waiting.size
  }

  /** The message with an id of its own; undefined when too many wait, which happens while there is no connection. */
  add(message: object): object | undefined {
    if (this.#waiting.size >= chatLimits.duplicateFilterIds) return undefined
    const cid = this.#newId()
    const numbered = { ...message, cid }
    this.#waiting.set(cid, numbered)
    return numbered
  }

  /** The server sent it back, or refused it. Returns whether it was ours. */
  settle(cid: string | undefined): boolean {
    return cid !== undefined && this.#waiting.delete(cid)
  }

  /** To be sent after a reconnect, in the order of saying. */
  waiting(): readonly object[] {
    return [...this.#waiting.values()]
  }
}
