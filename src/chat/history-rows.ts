import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
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
