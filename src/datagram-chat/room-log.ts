import { ByteWriter } from './fields.ts'
import { datagramLimits } from './limits.ts'
import { type Entry, encodeEntry } from './log-record.ts'
import { maxBodyBytes } from './session-messages.ts'

interface Kept {
  readonly bytes: Buffer
  /** Part of a message, which newcomers are shown; not somebody's coming or going. */
  readonly shown: boolean
}

interface PastMessage {
  readonly firstOrder: number
  readonly entries: readonly Kept[]
}

/**
 * The room's order: entries numbered from 1, each encoded once. Keeps a bounded number of them to send again, and the last messages for
 * newcomers even when many comings and goings came after them.
 */
export class RoomLog {
  readonly #kept = new Map<number, Kept>()
  #keptBytes = 0
  #oldest = 1
  #head = 0
  readonly #history: PastMessage[] = []

  /** The newest order; 0 when nothing has happened. */
  get head(): number {
    return this.#head
  }

  /** Where a newcomer's copy begins: the last messages, or the next entry. */
  get historyStart(): number {
    return this.#history[0]?.firstOrder ?? this.#head + 1
  }

  /** Puts the entries of one happening next in the order: all parts of a message, or one of anything else. */
  append(entries: readonly Entry[]): void {
    const firstOrder = this.#head + 1
    const kept = entries.map((entry) => ({ bytes: encodeEntry(entry), shown: entry.kind === 'part' }))
    for (const one of kept) {
      this.#head += 1
      this.#kept.set(this.#head, one)
      this.#keptBytes += one.bytes.length
    }
    if (kept[0]?.shown === true) this.#history.push({ firstOrder, entries: kept })
    if (this.#history.length > datagramLimits.historyCount) this.#history.shift()
    while (this.#kept.size > datagramLimits.logEntries || this.#keptBytes > datagramLimits.logBytes) {
      this.#keptBytes -= this.#kept.get(this.#oldest)?.bytes.length ?? 0
      this.#kept.delete(this.#oldest)
      this.#oldest += 1
    }
  }

  /**
   * The body of one datagram with entries from `from` on, at most to `to`, and the order that comes after them. What is no longer there,
   * and comings and goings before `quietBefore`, are skipped in one entry.
   */
  piece(from: number, to: number, quietBefore: number): { readonly body: Buffer; readonly next: number } {
    const writer = new ByteWriter(maxBodyBytes).number(from, 6)
    let next = from
    while (next <= to) {
      const entry = this.#at(next, quietBefore)
      const end = entry === undefined ? this.#skipEnd(next, to, quietBefore) : next + 1
      const bytes = entry?.bytes ?? encodeEntry({ kind: 'skip', count: end - next })
      if (writer.length + bytes.length > maxBodyBytes) break
      writer.bytes(bytes)
      next = end
    }
    return { body: writer.finish(), next }
  }

  #at(order: number, quietBefore: number): Kept | undefined {
    const kept = this.#kept.get(order) ?? this.#fromHistory(order)
    return kept?.shown === false && order < quietBefore ? undefined : kept
  }

  #fromHistory(order: number): Kept | undefined {
    const message = this.#history.find(({ firstOrder, entries }) => order < firstOrder + entries.length)
    return message?.entries[order - message.firstOrder]
  }

  /** The first order after `from` that is not skipped, or the one after `to`. */
  #skipEnd(from: number, to: number, quietBefore: number): number {
    let order = from + 1
    while (order <= to && this.#at(order, quietBefore) === undefined) {
      const known = this.#history.find(({ firstOrder }) => firstOrder > order)?.firstOrder ?? this.#oldest
      // Over what was forgotten in one step: a member far behind must not cost a walk through all of it.
      order = order < this.#oldest ? Math.max(order + 1, Math.min(known, this.#oldest)) : order + 1
    }
    return Math.min(order, to + 1)
  }
}
