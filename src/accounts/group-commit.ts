import type { SessionChange, SessionStore } from './session-store.ts'

interface Batch {
  readonly changes: SessionChange[]
  readonly done: Promise<void>
}

/** Changes that come in one turn of the event loop share a transaction, and so one flush of the disk. */
export class GroupCommit {
  readonly #store: SessionStore
  #batch: Batch | undefined
  /** Ended sessions that the disk still has because a commit failed; they go with the next one. */
  #owed: SessionChange[] = []

  constructor(store: SessionStore) {
    this.#store = store
  }

  /** Resolves once the store has the changes. @throws {StorageError} */
  commit(changes: readonly SessionChange[]): Promise<void> {
    this.#batch ??= this.#open()
    this.#batch.changes.push(...changes)
    return this.#batch.done
  }

  /** Tries again what failed, and waits for what is under way. */
  async flush(): Promise<void> {
    if (this.#owed.length > 0) await this.commit([])
    else await this.#batch?.done
  }

  #open(): Batch {
    const changes: SessionChange[] = []
    return { changes, done: this.#write(changes) }
  }

  async #write(changes: SessionChange[]): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#batch = undefined
    const all = [...this.#owed, ...changes]
    this.#owed = []
    try {
      await this.#store.commit(all)
    } catch (error) {
      this.#owed = all.filter((change) => change.kind !== 'put')
      throw error
    }
  }
}
