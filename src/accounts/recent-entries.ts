/** What is remembered of one key. */
export interface RecentEntry {
  /** Somebody holds on to it. */
  readonly busy: boolean
  /** It says no more than a new one would. */
  idle(nowMs: number): boolean
}

/** A bounded number of entries by key; of those that nobody holds on to, the one used longest ago makes room. */
export class RecentEntries<E extends RecentEntry> {
  readonly #max: number
  readonly #entries = new Map<string, E>()

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string, make: () => E): E {
    const entry = this.#entries.get(key) ?? make()
    // Deleted and set again, so that the map is in the order of use.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > this.#max) this.#makeRoom()
    return entry
  }

  find(key: string): E | undefined {
    return this.#entries.get(key)
  }

  /** Forgets an entry at once that has nothing to say. */
  release(key: string, nowMs: number): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined && !entry.busy && entry.idle(nowMs)) this.#entries.delete(key)
  }

  #makeRoom(): void {
    for (const [key, entry] of this.#entries) {
      if (entry.busy) continue
      this.#entries.delete(key)
      return
    }
  }
}
