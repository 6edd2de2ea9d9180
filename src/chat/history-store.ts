import { randomBytes } from 'node:crypto'
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { errorMessage, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { prepareSecretDatabase } from '../files/secret-file.ts'
import {
  actionFlag,
  type Epoch,
  fingerprint,
  type HistoryStoreOptions,
  type MessageRows,
  type ModerationEntry,
  operatorFlag,
  type Remembered,
} from './history.ts'
import { chatLimits } from './limits.ts'
import type { ChatMessage, HistoryPage, HistoryRange } from './message.ts'

/** Raised with every change of the tables below. */
const schemaVersion = 1

/**
 * Messages are clustered by room and id, so that a page is one walk. `chat_ids` has one row: ids below `reserved` may have
 * been handed out, stored or not.
 */
function createTables(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE IF NOT EXISTS chat_messages (
      room TEXT NOT NULL, id INTEGER NOT NULL, at INTEGER NOT NULL, sender TEXT NOT NULL,
      text TEXT NOT NULL, cid TEXT, action INTEGER NOT NULL, PRIMARY KEY (room, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS chat_marks (
      kind TEXT NOT NULL, room TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL,
      account TEXT NOT NULL DEFAULT '', PRIMARY KEY (kind, room, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS chat_epochs (name TEXT NOT NULL, start INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS chat_clock (trusted INTEGER NOT NULL, candidate INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS chat_ids (version INTEGER NOT NULL, reserved INTEGER NOT NULL);
    INSERT INTO chat_ids SELECT ${schemaVersion}, 1 WHERE NOT EXISTS (SELECT 1 FROM chat_ids);
  `)
  // An older netlab made the table without it.
  const columns = db.prepare('PRAGMA table_info(chat_marks)').all()
  if (!columns.some(({ name }) => name === 'account'))
    db.exec("ALTER TABLE chat_marks ADD COLUMN account TEXT NOT NULL DEFAULT ''")
}

/** History in SQLite. Synchronous: lives in the store thread. */
export class HistoryStore {
  readonly #db: DatabaseSync
  readonly #limit: HistoryStoreOptions['limit']
  readonly #inserter: RowInserter
  readonly #reserve: StatementSync
  #reserved: number
  #sincePruned = 0

  /** @throws {StorageError} when the file can't be opened, or is no database of ours */
  constructor(options: HistoryStoreOptions) {
    this.#limit = options.limit
    try {
      prepareSecretDatabase(options.file)
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
      if (error instanceof StorageError) throw error
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
      if (last >= this.#reserved) this.#reserve.run(last + chatLimits.idBlock)
    })
    if (last >= this.#reserved) this.#reserved = last + chatLimits.idBlock
    this.#sincePruned += countRows(rows)
  }

  moderate({ kind, room, name, text: value, account }: ModerationEntry, off: boolean): void {
    if (off) this.#db.prepare('DELETE FROM chat_marks WHERE kind = ? AND room = ? AND name = ?').run(kind, room, name)
    else
      this.#db
        .prepare('INSERT OR REPLACE INTO chat_marks (kind, room, name, text, account) VALUES (?, ?, ?, ?, ?)')
        .run(kind, room, name, value, account)
  }

  page(room: string, range: HistoryRange): HistoryPage {
    const forward = 'after' in range
    const asked = 'last' in range ? range.last : (range.limit ?? chatLimits.pageCount)
    const count = Math.max(0, Math.min(asked, chatLimits.pageCount))
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
      more = messages.length === count || bytes > chatLimits.pageBytes
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
    const rooms = this.#rooms()
    if (ageMs > 0) this.#forgetOlder(rooms, this.#trustedMs(now, ageMs) - ageMs, now)
    for (const room of rooms) {
      if (count > 0)
        this.#db
          .prepare(
            `DELETE FROM chat_messages WHERE room = ?1 AND id <=
              (SELECT id FROM chat_messages WHERE room = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
          )
          .run(room, count)
    }
  }

  /**
   * By ids, since times may have jumped while these were said: a message is old when it says so, and was said before all, of whatever
   * room, that are not. Times that lie in the future say nothing.
   */
  #forgetOlder(rooms: readonly string[], limitMs: number, now: number): void {
    const kept = this.#db.prepare(
      'SELECT id FROM chat_messages WHERE room = ? AND at >= ? AND at <= ? ORDER BY id LIMIT 1',
    )
    const firstKept = rooms.reduce((first, room) => {
      const row = kept.get(room, limitMs, now)
      return row === undefined ? first : Math.min(first, integer(row.id))
    }, Number.MAX_SAFE_INTEGER)
    const forget = this.#db.prepare(
      `DELETE FROM chat_messages WHERE room = ?1 AND id <=
        (SELECT id FROM chat_messages WHERE room = ?1 AND id < ?2 AND at < ?3 ORDER BY id DESC LIMIT 1)`,
    )
    for (const room of rooms) forget.run(room, firstKept, limitMs)
  }

  /**
   * The latest time that is not the whim of a clock: it was told a day ago or more (or as long as messages are kept, where that is
   * less), and the clock has not been set back since. So an hour in which the clock is years ahead forgets nothing.
   */
  #trustedMs(now: number, ageMs: number): number {
    const known = this.#db.prepare('SELECT trusted, candidate FROM chat_clock').get()
    // A database of an older netlab has only the times of its messages.
    const newest = (): SQLOutputValue | undefined =>
      this.#db.prepare('SELECT max(at) AS at FROM chat_messages WHERE at <= ?').get(now)?.at
    const before = {
      trusted: integer(known?.trusted ?? newest() ?? now),
      candidate: integer(known?.candidate ?? now),
    }
    const isConfirmed = now - before.candidate >= Math.min(ageMs, chatLimits.clockTrustMs)
    const trusted = Math.min(now, isConfirmed ? before.candidate : before.trusted)
    const candidate = isConfirmed ? now : Math.min(now, before.candidate)
    if (known === undefined) this.#db.prepare('INSERT INTO chat_clock VALUES (?, ?)').run(trusted, candidate)
    else if (trusted !== before.trusted || candidate !== before.candidate)
      this.#db.prepare('UPDATE chat_clock SET trusted = ?, candidate = ?').run(trusted, candidate)
    return trusted
  }

  remembered(): Remembered {
    // Ids number all rooms, so this many of them are at most this many rows.
    const since = this.#reserved - chatLimits.idBlock - chatLimits.duplicateFilterRows
    const query = this.#db.prepare(
      'SELECT sender, cid, id, at, room, text, action FROM chat_messages WHERE room = ? AND id > ? AND cid IS NOT NULL',
    )
    const clientIds = this.#rooms()
      .flatMap((room) => query.all(room, since))
      .map((row) => ({
        from: text(row.sender),
        cid: text(row.cid),
        id: integer(row.id),
        at: integer(row.at),
        said: fingerprint(integer(row.action) & actionFlag ? 'me' : 'say', text(row.room), text(row.text)),
      }))
      .sort((a, b) => a.id - b.id)
    return { nextId: this.#reserved, clientIds, moderation: this.#moderation(), epochs: this.#beginEpoch() }
  }

  /** Notes that ids from `nextId` on are free, and closes the file. */
  close(nextId?: number): void {
    if (nextId !== undefined && nextId < this.#reserved) this.#reserve.run(nextId)
    this.#db.close()
  }

  #beginEpoch(): readonly Epoch[] {
    const known = this.#db.prepare('SELECT name, start FROM chat_epochs ORDER BY rowid').all()
    const epoch = { name: randomBytes(9).toString('base64url'), start: this.#reserved }
    try {
      this.#db.prepare('INSERT INTO chat_epochs VALUES (?, ?)').run(epoch.name, epoch.start)
      this.#db
        .prepare('DELETE FROM chat_epochs WHERE rowid <= (SELECT max(rowid) FROM chat_epochs) - ?')
        .run(chatLimits.epochs)
    } catch {
      // A disk without room for it: later runs won't know this one, and its clients will read again what they have seen.
    }
    return [...known.map(({ name, start }) => ({ name: text(name), start: integer(start) })), epoch]
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

  #moderation(): ModerationEntry[] {
    const kinds = ['topic', 'ban', 'mute', 'op', 'claim'] as const
    return this.#db
      .prepare('SELECT * FROM chat_marks')
      .all()
      .flatMap((row) => {
        const kind = kinds.find((word) => word === row.kind)
        if (kind === undefined) return []
        const [room, name, account] = [row.room, row.name, row.account].map(text)
        return [{ kind, room: room ?? '', name: name ?? '', text: text(row.text), account: account ?? '' }]
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

/** Of a row of messages. */
const columns = 7

/** Where `id` is in each row. */
const idColumn = 1

/** Puts rows into the table. */
class RowInserter {
  readonly #one: StatementSync
  readonly #many: StatementSync

  constructor(db: DatabaseSync) {
    const row = `(${Array(columns).fill('?').join()})`
    this.#one = db.prepare(`INSERT INTO chat_messages VALUES ${row}`)
    this.#many = db.prepare(`INSERT INTO chat_messages VALUES ${Array(chatLimits.rowsPerInsert).fill(row).join()}`)
  }

  insert(rows: MessageRows): void {
    const step = chatLimits.rowsPerInsert * columns
    let at = 0
    for (; at + step <= rows.length; at += step) this.#many.run(...rows.slice(at, at + step))
    for (; at < rows.length; at += columns) this.#one.run(...rows.slice(at, at + columns))
  }
}

function countRows(rows: MessageRows): number {
  return rows.length / columns
}

/** The id of the last one; undefined when there is none. */
function lastId(rows: MessageRows): number | undefined {
  const id = rows.at(idColumn - columns)
  return typeof id === 'number' ? id : undefined
}

function toMessage(row: Record<string, SQLOutputValue>): ChatMessage {
  const flags = integer(row.action)
  return {
    type: 'message',
    id: integer(row.id),
    at: integer(row.at),
    room: text(row.room),
    from: text(row.sender),
    text: text(row.text),
    ...(typeof row.cid === 'string' ? { cid: row.cid } : {}),
    ...(flags & actionFlag ? { action: true } : {}),
    ...(flags & operatorFlag ? { operator: true } : {}),
  }
}

/** @throws {StorageError} when somebody else's value is there */
function integer(value: SQLOutputValue | undefined): number {
  if (typeof value === 'number') return value
  throw damaged()
}

/** @throws {StorageError} when somebody else's value is there */
function text(value: SQLOutputValue | undefined): string {
  if (typeof value === 'string') return value
  throw damaged()
}

function damaged(): StorageError {
  return new StorageError('DATABASE_DAMAGED', 'the database holds something that this program did not write', {
    hint: 'move it away and start again, or name another with --db',
  })
}
