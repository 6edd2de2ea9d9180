import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import { StorageError } from '../base/errors.ts'
import type { ChatMessage } from './message.ts'

export type Row = Record<string, SQLOutputValue>

/** Raised with every change of the tables below. */
export const schemaVersion = 1

/**
 * Messages are clustered by room and id, so that a page is one walk. `chat_ids` has one row: ids below `reserved` may have
 * been handed out, stored or not.
 */
export function createTables(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE IF NOT EXISTS chat_messages (
      room TEXT NOT NULL, id INTEGER NOT NULL, at INTEGER NOT NULL, sender TEXT NOT NULL,
      text TEXT NOT NULL, cid TEXT, action INTEGER NOT NULL, PRIMARY KEY (room, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS chat_marks (
      kind TEXT NOT NULL, room TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (kind, room, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS chat_ids (version INTEGER NOT NULL, reserved INTEGER NOT NULL);
    INSERT INTO chat_ids SELECT ${schemaVersion}, 1 WHERE NOT EXISTS (SELECT 1 FROM chat_ids);
  `)
}

/**
 * Messages as the columns of their rows, one after another: flat, because that crosses to the store thread several times as
 * fast as objects, and because it is what the statement takes.
 */
export type MessageRows = readonly (string | number | null)[]

export function toRows(messages: readonly ChatMessage[]): MessageRows {
  const rows: (string | number | null)[] = []
  for (const { room, id, at, from, text: said, cid, action } of messages)
    rows.push(room, id, at, from, said, cid ?? null, action === true ? 1 : 0)
  return rows
}

const columns = 7

/** Where `id` is in each row. */
const idColumn = 1

/** So many rows go in with one call into SQLite: a call costs as much as a row. */
const rowsAtOnce = 32

/** Puts rows into the table. */
export class RowInserter {
  readonly #one: StatementSync
  readonly #many: StatementSync

  constructor(db: DatabaseSync) {
    const row = `(${Array(columns).fill('?').join()})`
    this.#one = db.prepare(`INSERT INTO chat_messages VALUES ${row}`)
    this.#many = db.prepare(`INSERT INTO chat_messages VALUES ${Array(rowsAtOnce).fill(row).join()}`)
  }

  insert(rows: MessageRows): void {
    const step = rowsAtOnce * columns
    let at = 0
    for (; at + step <= rows.length; at += step) this.#many.run(...rows.slice(at, at + step))
    for (; at < rows.length; at += columns) this.#one.run(...rows.slice(at, at + columns))
  }
}

export function countRows(rows: MessageRows): number {
  return rows.length / columns
}

/** The id of the last one; undefined when there is none. */
export function lastId(rows: MessageRows): number | undefined {
  const id = rows.at(idColumn - columns)
  return typeof id === 'number' ? id : undefined
}

export function toMessage(row: Row): ChatMessage {
  return {
    type: 'message',
    id: integer(row.id),
    at: integer(row.at),
    room: text(row.room),
    from: text(row.sender),
    text: text(row.text),
    ...(typeof row.cid === 'string' ? { cid: row.cid } : {}),
    ...(row.action === 1 ? { action: true } : {}),
  }
}

/** @throws {StorageError} when somebody else's value is there */
export function integer(value: SQLOutputValue | undefined): number {
  if (typeof value === 'number') return value
  throw damaged()
}

/** @throws {StorageError} when somebody else's value is there */
export function text(value: SQLOutputValue | undefined): string {
  if (typeof value === 'string') return value
  throw damaged()
}

function damaged(): StorageError {
  return new StorageError('DATABASE_DAMAGED', 'the database holds something that this program did not write', {
    hint: 'move it away and start again, or name another with --db',
  })
}
