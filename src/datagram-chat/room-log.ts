import { FieldWriter } from './fields.ts'
import { datagramLimits } from './limits.ts'
import { encodeRecord, type LogRecord } from './log-record.ts'
import { maxBodyBytes } from './session-messages.ts'

interface StoredRecord {
  readonly bytes: Buffer
  /** Belongs to a message, which newcomers are shown; somebody's coming or going is not. */
  readonly isMessage: boolean
}

interface HistoryMessage {
  readonly firstSequence: number
  readonly records: readonly StoredRecord[]
}

/**
 * The room's log: records with sequence numbers from 1, each encoded once. Keeps a bounded number of them to send again, and the last
 * messages for newcomers even when many comings and goings came after them.
 */
export class RoomLog {
  readonly #kept = new Map<number, StoredRecord>()
  #keptBytes = 0
  #oldest = 1
  #head = 0
  readonly #history: HistoryMessage[] = []

  /** The newest sequence number; 0 when nothing has happened. */
  get head(): number {
    return this.#head
  }

  /** Where a newcomer's copy begins: at the last messages, or at the next record. */
  get historyStart(): number {
    return this.#history[0]?.firstSequence ?? this.#head + 1
  }

  /** Appends the records of one happening: all fragments of a message, or one of anything else. */
  append(records: readonly LogRecord[]): void {
    const firstSequence = this.#head + 1
    const kept = records.map((record) => ({ bytes: encodeRecord(record), isMessage: record.kind === 'fragment' }))
    for (const one of kept) {
      this.#head += 1
      this.#kept.set(this.#head, one)
      this.#keptBytes += one.bytes.length
    }
    if (kept[0]?.isMessage === true) this.#history.push({ firstSequence, records: kept })
    if (this.#history.length > datagramLimits.historyCount) this.#history.shift()
    while (this.#kept.size > datagramLimits.logRecords || this.#keptBytes > datagramLimits.logBytes) {
      this.#keptBytes -= this.#kept.get(this.#oldest)?.bytes.length ?? 0
      this.#kept.delete(this.#oldest)
      this.#oldest += 1
    }
  }

  /**
   * The body of one packet with records from `from` on, at most to `to`, and the sequence number that follows them. What is no longer
   * there, and comings and goings before `presenceFrom`, are replaced by one skip record.
   */
  page(from: number, to: number, presenceFrom: number): { readonly body: Buffer; readonly next: number } {
    const writer = new FieldWriter(maxBodyBytes).number(from, 6)
    let next = from
    while (next <= to) {
      const record = this.#at(next, presenceFrom)
      const end = record === undefined ? this.#skipEnd(next, to, presenceFrom) : next + 1
      const bytes = record?.bytes ?? encodeRecord({ kind: 'skip', count: end - next })
      if (writer.length + bytes.length > maxBodyBytes) break
      writer.bytes(bytes)
      next = end
    }
    return { body: writer.finish(), next }
  }

  #at(sequence: number, presenceFrom: number): StoredRecord | undefined {
    const kept = this.#kept.get(sequence) ?? this.#fromHistory(sequence)
    return kept?.isMessage === false && sequence < presenceFrom ? undefined : kept
  }

  #fromHistory(sequence: number): StoredRecord | undefined {
    const message = this.#history.find(({ firstSequence, records }) => sequence < firstSequence + records.length)
    return message?.records[sequence - message.firstSequence]
  }

  /** The first sequence number after `from` that is not skipped, or the one after `to`. */
  #skipEnd(from: number, to: number, presenceFrom: number): number {
    let sequence = from + 1
    while (sequence <= to && this.#at(sequence, presenceFrom) === undefined) {
      const known = this.#history.find(({ firstSequence }) => firstSequence > sequence)?.firstSequence ?? this.#oldest
      // One step over all that was dropped: a member far behind must not cost a walk through it.
      sequence = sequence < this.#oldest ? Math.max(sequence + 1, Math.min(known, this.#oldest)) : sequence + 1
    }
    return Math.min(sequence, to + 1)
  }
}
