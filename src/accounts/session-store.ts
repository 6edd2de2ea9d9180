import { chmodSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { errorCode, errorMessage, reasonOf, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type FileLock, ownFile } from '../files/file-lock.ts'
import { prepareSecretDatabase } from '../files/secret-file.ts'

/** A session as it is kept; times in milliseconds since the Unix epoch. */
export interface SessionRow {
  /** Numbers sessions within a store, from 1; people name a session by it. */
  readonly id: number
  /** As `tokenHash` makes it. */
  readonly hash: string
  /** Of the account, as it was at the login. */
  readonly user: string
  /** The account's id; '' in rows that an older netlab wrote. */
  readonly account: string
  /** What the account's password was at the login, as `credentialOf` makes it; '' as above. */
  readonly credential: string
  /** The address the login came from. */
  readonly address: string
  readonly createdMs: number
  readonly usedMs: number
}

/** An account's last login; time in milliseconds since the Unix epoch. */
export interface LoginRow {
  /** The account's id. */
  readonly account: string
  readonly atMs: number
  /** The address it came from. */
  readonly address: string
}

export type SessionChange =
  | { readonly kind: 'put'; readonly row: SessionRow }
  | { readonly kind: 'login'; readonly login: LoginRow }
  /** The account is gone, and with it what is known of its logins. */
  | { readonly kind: 'forget'; readonly account: string }
  | { readonly kind: 'drop'; readonly id: number }
  | { readonly kind: 'drop-all' }

/** Where sessions outlive the server. One server uses it at a time. */
export interface SessionStore {
  /** Everything kept; called once, first. */
  load(): readonly SessionRow[]
  /** The last login of each account that ever had one. */
  logins(): readonly LoginRow[]
  /** Resolves once the changes, all or none, are kept; sessions that ended, even over a power cut. @throws {StorageError} */
  commit(changes: readonly SessionChange[]): Promise<void>
  close(): void
}

/** Forgets everything with the process. */
export class MemorySessionStore implements SessionStore {
  readonly rows = new Map<number, SessionRow>()

  load(): readonly SessionRow[] {
    return [...this.rows.values()]
  }

  logins(): readonly LoginRow[] {
    return []
  }

  async commit(changes: readonly SessionChange[]): Promise<void> {
    for (const change of changes) {
      if (change.kind === 'put') this.rows.set(change.row.id, change.row)
      else if (change.kind === 'drop') this.rows.delete(change.id)
      else if (change.kind === 'drop-all') this.rows.clear()
    }
  }

  close(): void {}
}

const schema = `
  CREATE TABLE IF NOT EXISTS session (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    user TEXT NOT NULL,
    address TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL,
    account TEXT NOT NULL DEFAULT '',
    credential TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE TABLE IF NOT EXISTS login (account TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, address TEXT NOT NULL) STRICT`

/** What a table that an older netlab made lacks. */
const laterColumns = ['account', 'credential']

/** Sessions in a table of netlab.db, through node:sqlite. Each call blocks its thread, so it belongs in the store thread. */
export class SqliteSessionStore implements SessionStore {
  readonly #path: string
  readonly #lock: FileLock
  readonly #database: DatabaseSync
  readonly #put: StatementSync
  readonly #drop: StatementSync
  readonly #login: StatementSync
  readonly #forget: StatementSync

  /** @throws {StorageError} when the file is no database, can't be used, or belongs to another server. */
  constructor(path: string) {
    this.#path = path
    try {
      makePrivate(path)
      // SQLite would let two servers write in turn, but each looks sessions up in its own memory.
      this.#lock = ownFile(path, '--db')
    } catch (error) {
      throw this.#explain(error)
    }
    try {
      // A busy chat history in the same file is waited for.
      this.#database = new DatabaseSync(path, { timeout: limits.databaseBusyMs })
      // Deleted hashes are overwritten, not only unlinked.
      this.#database.exec('PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON')
      this.#database.exec(schema)
      addLaterColumns(this.#database)
      this.#put = this.#database.prepare(
        `INSERT INTO session (id, hash, user, address, created_ms, used_ms, account, credential)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
         SET user = excluded.user, created_ms = excluded.created_ms, used_ms = excluded.used_ms, account = excluded.account, credential = excluded.credential`,
      )
      this.#drop = this.#database.prepare('DELETE FROM session WHERE id = ?')
      this.#login = this.#database.prepare(
        `INSERT INTO login (account, at_ms, address) VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE
         SET at_ms = excluded.at_ms, address = excluded.address`,
      )
      this.#forget = this.#database.prepare('DELETE FROM login WHERE account = ?')
    } catch (error) {
      this.#lock.release()
      throw this.#explain(error)
    }
  }

  load(): readonly SessionRow[] {
    try {
      const rows = this.#database.prepare('SELECT * FROM session ORDER BY used_ms').all()
      return rows.map((row) => ({
        id: Number(row.id),
        hash: String(row.hash),
        user: String(row.user),
        address: String(row.address),
        createdMs: Number(row.created_ms),
        usedMs: Number(row.used_ms),
        account: String(row.account),
        credential: String(row.credential),
      }))
    } catch (error) {
      throw this.#explain(error)
    }
  }

  logins(): readonly LoginRow[] {
    try {
      const rows = this.#database.prepare('SELECT * FROM login').all()
      return rows.map(({ account, at_ms, address }) => ({
        account: String(account),
        atMs: Number(at_ms),
        address: String(address),
      }))
    } catch (error) {
      throw this.#explain(error)
    }
  }

  async commit(changes: readonly SessionChange[]): Promise<void> {
    try {
      // A power cut may cost a login, not a logout: a session that has ended must not come back. So only the end of sessions
      // waits for the disk, and a storm of logins does not hold up the thread. (A killed process loses neither.)
      const ends = changes.some(({ kind }) => kind !== 'put' && kind !== 'login')
      this.#database.exec(`PRAGMA synchronous=${ends ? 'FULL' : 'NORMAL'}`)
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        for (const change of changes) this.#apply(change)
        this.#database.exec('COMMIT')
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
        throw error
      }
    } catch (error) {
      throw this.#explain(error)
    }
  }

  close(): void {
    this.closeKeepingLock().release()
  }

  /** Closes the database; its lock belongs to the caller from now on. */
  closeKeepingLock(): FileLock {
    this.#database.close()
    return this.#lock
  }

  #apply(change: SessionChange): void {
    if (change.kind === 'drop') this.#drop.run(change.id)
    else if (change.kind === 'drop-all') this.#database.exec('DELETE FROM session; DELETE FROM login')
    else if (change.kind === 'login') this.#login.run(change.login.account, change.login.atMs, change.login.address)
    else if (change.kind === 'forget') this.#forget.run(change.account)
    else {
      const { id, hash, user, address, createdMs, usedMs, account, credential } = change.row
      this.#put.run(id, hash, user, address, createdMs, usedMs, account, credential)
    }
  }

  #explain(error: unknown): StorageError {
    if (error instanceof StorageError) return error
    const hint = steps[errorCode(error)]
    const reason = hint === undefined ? errorMessage(error) : reasonOf(error)
    return new StorageError('DATABASE', `${this.#path} can't be used: ${reason}`, {
      cause: error,
      hint: hint ?? 'Repair the database, move it away to start with an empty one, or name another one with --db.',
    })
  }
}

const steps: Readonly<Record<string, string>> = {
  EISDIR: 'A file is needed there, not a folder; name one with --db.',
  ENOTDIR: 'Name another file with --db.',
  ENOSPC: 'The disk is full; make room, or name another file with --db.',
  EDQUOT: 'The quota is used up; make room, or name another file with --db.',
  EROFS: 'The file system is read-only; name another file with --db.',
  EACCES: 'The folder and the file must be writable for this user.',
  EPERM: 'The file must belong to this user.',
  ENOENT: 'Make the folder first, or name another file with --db.',
}

function addLaterColumns(database: DatabaseSync): void {
  const columns = new Set(
    database
      .prepare('PRAGMA table_info(session)')
      .all()
      .map(({ name }) => name),
  )
  for (const name of laterColumns) {
    if (!columns.has(name)) database.exec(`ALTER TABLE session ADD COLUMN ${name} TEXT NOT NULL DEFAULT ''`)
  }
}

function makePrivate(path: string): void {
  prepareSecretDatabase(path)
  chmodSync(path, 0o600)
}
