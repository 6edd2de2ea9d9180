import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { errorMessage, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { HistoryLimit, Mark, Remembered } from './history.ts'
import {
  countRows,
  createTables,
  integer,
  lastId,
  type MessageRows,
  RowInserter,
  schemaVersion,
  text,
  toMessage,
} from './history-rows.ts'
import type { ChatMessage, HistoryPage, HistoryRange } from './message.ts'

/**
 * `power` waits for the disk at every commit (SQLite's synchronous = FULL); `process` leaves that to the system: what was
 * committed outlives a kill -9 of this program, but not a power cut in the next seconds (synchronous = NORMAL).
 */
export type Durability = 'power' | 'process'

export interface HistoryStoreOptions {
  readonly file: string
  readonly limit: HistoryLimit
  readonly durability: Durability
  /** For tests: a full disk at so many pages of 4 KiB. */
  readonly maxPages?: number
}

/** History in SQLite. Synchronous: lives in the store thread. */
export class HistoryStore {
  readonly #db: DatabaseSync
  readonly #limit: HistoryLimit
  readonly #inserter: RowInserter
  readonly #reserve: StatementSync
  #reserved: number
  #sincePruned = 0

  /** @throws {StorageError} when the file can't be opened, or is no database of ours */
  constructor(options: HistoryStoreOptions) {
    this.#limit = options.limit
    try {
      // SQLite gives its journal files the mode of the database.
      closeSync(openSync(options.file, 'a', 0o600))
      this.#db = new DatabaseSync(options.file, { timeout: limits.databaseBusyMs })
      this.#db.exec(`PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${options.durability === 'power' ? 'FULL' : 'NORMAL'};
        PRAGMA max_page_count = ${options.maxPages ?? 1_073_741_823}`)
      createTables(this.#db)
      const ids = this.#db.prepare('SELECT version, reserved FROM chat_ids').get()
      if (ids?.version !== schemaVersion) throw new Error(`its tables are of version ${String(ids?.version)}`)
      this.#reserved = integer(ids.reserved)
      this.#inserter = new RowInserter(this.#db)
      this.#reserve = this.#db.prepare('UPDATE chat_ids SET reserved = ?')
    } catch (error) {
      throw new StorageError('DATABASE', `cannot use the database ${options.file}: ${errorMessage(error)}`, {
        hint: 'check the folder and its rights, or name another file with --db',
        cause: error,
      })
    }
  }

  /** Keeps all of them or none. Ids ascend. @throws what SQLite throws, a full disk for one */
  append(rows: MessageRows): void {
    const last = lastId(rows)
    if (last === undefined) return
    this.#transaction(() => {
      this.#inserter.insert(rows)
      if (last >= this.#reserved) this.#reserve.run(last + limits.chatIdBlock)
    })
    if (last >= this.#reserved) this.#reserved = last + limits.chatIdBlock
    this.#sincePruned += countRows(rows)
  }

  mark({ kind, room, name, text: value }: Mark, off: boolean): void {
    if (off) this.#db.prepare('DELETE FROM chat_marks WHERE kind = ? AND room = ? AND name = ?').run(kind, room, name)
    else this.#db.prepare('INSERT OR REPLACE INTO chat_marks VALUES (?, ?, ?, ?)').run(kind, room, name, value)
  }

  page(room: string, range: HistoryRange): HistoryPage {
    const forward = 'after' in range
    const asked = 'last' in range ? range.last : (range.limit ?? limits.chatPageCount)
    const count = Math.max(0, Math.min(asked, limits.chatPageCount))
    const from = 'last' in range ? Number.MAX_SAFE_INTEGER : forward ? range.after : range.before
    const rows = this.#db
      .prepare(
        `SELECT * FROM chat_messages WHERE room = ? AND id ${forward ? '>' : '<'} ? ORDER BY id ${forward ? '' : 'DESC'} LIMIT ?`,
      )
      .iterate(room, from, count + 1)
    const messages: ChatMessage[] = []
    let bytes = 0
    let more = false
    for (const row of rows) {
      const message = toMessage(row)
      bytes += Buffer.byteLength(message.text)
      more = messages.length === count || bytes > limits.chatPageBytes
      if (more) break
      messages.push(message)
    }
    return { messages: forward ? messages : messages.reverse(), more }
  }

  /** Forgets what is beyond the limits once enough was added, or in any case when `force` is set. */
  prune(now: number, force = false): void {
    // Finding the oldest message to keep is a walk over all that are kept.
    if (!force && this.#sincePruned < Math.max(1_000, this.#limit.count / 10)) return
    this.#sincePruned = 0
    const { count, ageMs } = this.#limit
    for (const room of this.#rooms()) {
      if (count > 0)
        this.#db
          .prepare(
            `DELETE FROM chat_messages WHERE room = ?1 AND id <=
              (SELECT id FROM chat_messages WHERE room = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
          )
          .run(room, count)
      if (ageMs > 0)
        this.#db
          .prepare(
            `DELETE FROM chat_messages WHERE room = ?1 AND id < coalesce(
              (SELECT id FROM chat_messages WHERE room = ?1 AND at >= ?2 ORDER BY id LIMIT 1), ${Number.MAX_SAFE_INTEGER})`,
          )
          .run(room, now - ageMs)
    }
  }

  remembered(): Remembered {
    // Ids number all rooms, so this many of them are at most this many rows.
    const since = this.#reserved - limits.chatIdBlock - limits.chatDedupeRows
    const query = this.#db.prepare(
      'SELECT sender, cid, id, at FROM chat_messages WHERE room = ? AND id > ? AND cid IS NOT NULL',
    )
    const resends = this.#rooms()
      .flatMap((room) => query.all(room, since))
      .map((row) => ({ from: text(row.sender), cid: text(row.cid), id: integer(row.id), at: integer(row.at) }))
      .sort((a, b) => a.id - b.id)
    return { nextId: this.#reserved, resends, marks: this.#marks() }
  }

  /** Notes that ids from `nextId` on are free, and closes the file. */
  close(nextId?: number): void {
    if (nextId !== undefined && nextId < this.#reserved) this.#reserve.run(nextId)
    this.#db.close()
  }

  #rooms(): string[] {
    // A walk from room to room: DISTINCT alone would read every message.
    return this.#db
      .prepare(
        `WITH RECURSIVE walk (room) AS (SELECT min(room) FROM chat_messages UNION ALL
          SELECT (SELECT min(room) FROM chat_messages m WHERE m.room > walk.room) FROM walk WHERE walk.room IS NOT NULL)
          SELECT room FROM walk WHERE room IS NOT NULL`,
      )
      .all()
      .map((row) => text(row.room))
  }

  #marks(): Mark[] {
    const kinds = ['topic', 'ban', 'mute', 'op'] as const
    return this.#db
      .prepare('SELECT * FROM chat_marks')
      .all()
      .flatMap((row) => {
        const kind = kinds.find((word) => word === row.kind)
        return kind === undefined ? [] : [{ kind, room: text(row.room), name: text(row.name), text: text(row.text) }]
      })
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }
}
