import type { Connection } from './member.ts'
import { type ChatDialect, dialects } from './wire.ts'

/** Who gets what is said in one room, counted by thread and dialect so that nothing is encoded or sent for nobody. */
export class Receivers {
  readonly #connections = new Set<Connection>()
  readonly #counts = new Map<number, Record<ChatDialect, number>>()

  get size(): number {
    return this.#connections.size
  }

  has(connection: Connection): boolean {
    return this.#connections.has(connection)
  }

  add(connection: Connection): void {
    if (this.#connections.has(connection)) return
    this.#connections.add(connection)
    const counts = this.#counts.get(connection.edge) ?? { frames: 0, text: 0 }
    counts[connection.dialect] += 1
    this.#counts.set(connection.edge, counts)
  }

  remove(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    const counts = this.#counts.get(connection.edge)
    if (counts === undefined) return
    counts[connection.dialect] -= 1
    if (dialects.every((dialect) => counts[dialect] === 0)) this.#counts.delete(connection.edge)
  }

  /** Whether anybody here speaks it. */
  speak(dialect: ChatDialect): boolean {
    for (const counts of this.#counts.values()) if (counts[dialect] > 0) return true
    return false
  }

  /** Threads with receivers, and how many of each dialect. */
  edges(): Iterable<readonly [edge: number, counts: Readonly<Record<ChatDialect, number>>]> {
    return this.#counts
  }
}
