import type { SessionEnd } from './accounts.ts'

/** Who wants to hear of which session's end. */
export class Revocations {
  readonly #watchers = new Map<number, Set<(why: SessionEnd) => void>>()
  readonly #everyone = new Set<(session: number, why: SessionEnd) => void>()

  /** Hears of one session. The returned function ends that. */
  watch(session: number, callback: (why: SessionEnd) => void): () => void {
    const watchers = this.#watchers.get(session) ?? new Set()
    this.#watchers.set(session, watchers.add(callback))
    return () => {
      watchers.delete(callback)
      if (watchers.size === 0 && this.#watchers.get(session) === watchers) this.#watchers.delete(session)
    }
  }

  /** Hears of all sessions. The returned function ends that. */
  watchAll(callback: (session: number, why: SessionEnd) => void): () => void {
    this.#everyone.add(callback)
    return () => void this.#everyone.delete(callback)
  }

  announce(session: number, why: SessionEnd): void {
    for (const callback of this.#everyone) callback(session, why)
    const watchers = this.#watchers.get(session)
    this.#watchers.delete(session)
    for (const callback of watchers ?? []) callback(why)
  }
}
