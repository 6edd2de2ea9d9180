import { limits } from '../base/limits.ts'

/** What a client has said and not yet seen come back. Survives the connection: said again, with the same ids, on the next. */
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
    if (this.#waiting.size >= limits.chatDedupeCount) return undefined
    const cid = this.#newId()
    const numbered = { ...message, cid }
    this.#waiting.set(cid, numbered)
    return numbered
  }

  /** It came back, or was refused. Returns whether it was ours. */
  settle(cid: string | undefined): boolean {
    return cid !== undefined && this.#waiting.delete(cid)
  }

  /** To be sent after a reconnect, in the order of saying. */
  waiting(): readonly object[] {
    return [...this.#waiting.values()]
  }
}
