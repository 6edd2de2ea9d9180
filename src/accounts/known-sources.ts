import { createHash } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { errorMessage, StorageError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { sourceKey } from '../net/ip.ts'
import { accountLimits } from './limits.ts'

/**
 * Where the owners of accounts logged in before: a bounded number of sources for each, as hashes that are of use for nothing but
 * to know a source again. An account is named by its id: whoever registers its name later knows none of its sources.
 */
export interface KnownSources {
  has(account: string, address: string): boolean
  /** The owner has logged in from there. @throws {StorageError} */
  add(account: string, address: string): void
  /** The owner has a new password, set from there: whoever had the old one is not known any more. @throws {StorageError} */
  keepOnly(account: string, address: string): void
  /** The account is gone, or nobody who used it is trusted any more. @throws {StorageError} */
  forget(account: string): void
  /** @throws {StorageError} */
  clear(): void
  close(): void
}

const schema = `
  CREATE TABLE IF NOT EXISTS known_source (
    account TEXT NOT NULL,
    source TEXT NOT NULL,
    used_ms INTEGER NOT NULL,
    PRIMARY KEY (account, source)
  ) STRICT, WITHOUT ROWID`

/** In a table of netlab.db, beside the sessions; without a path they are forgotten with the process. */
export class SqliteKnownSources implements KnownSources {
  readonly #path: string
  readonly #now: () => number
  readonly #database: DatabaseSync
  readonly #find: StatementSync
  readonly #put: StatementSync
  readonly #trim: StatementSync
  readonly #dropOthers: StatementSync

  /** @param now milliseconds since the Unix epoch. @throws {StorageError} */
  constructor(path: string | undefined, now: () => number) {
    this.#path = path ?? 'the memory database'
    this.#now = now
    this.#database = this.#guard(() => new DatabaseSync(path ?? ':memory:', { timeout: limits.databaseBusyMs }))
    try {
      // A power cut may cost the last ones: then their owners wait like strangers, once.
      this.#database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON; ${schema}`)
      this.#find = this.#database.prepare('SELECT 1 FROM known_source WHERE account = ? AND source = ?')
      this.#put = this.#database.prepare('INSERT OR REPLACE INTO known_source VALUES (?, ?, ?)')
      this.#trim = this.#database.prepare(
        `DELETE FROM known_source WHERE account = ?1 AND source NOT IN
          (SELECT source FROM known_source WHERE account = ?1 ORDER BY used_ms DESC, source LIMIT ${accountLimits.knownSources})`,
      )
      this.#dropOthers = this.#database.prepare('DELETE FROM known_source WHERE account = ? AND source <> ?')
    } catch (error) {
      this.#database.close()
      throw this.#explain(error)
    }
  }

  has(account: string, address: string): boolean {
    const source = sourceHash(account, address)
    try {
      return this.#find.get(account, source) !== undefined
    } catch {
      // Then the owner waits like anybody else.
      return false
    }
  }

  add(account: string, address: string): void {
    const source = sourceHash(account, address)
    const now = this.#now()
    this.#guard(() => {
      this.#put.run(account, source, now)
      this.#trim.run(account)
    })
  }

  keepOnly(account: string, address: string): void {
    this.#guard(() => this.#dropOthers.run(account, sourceHash(account, address)))
  }

  forget(account: string): void {
    this.#guard(() => this.#dropOthers.run(account, ''))
  }

  clear(): void {
    this.#guard(() => this.#database.exec('DELETE FROM known_source'))
  }

  close(): void {
    this.#database.close()
  }

  #guard<T>(use: () => T): T {
    try {
      return use()
    } catch (error) {
      throw this.#explain(error)
    }
  }

  #explain(error: unknown): StorageError {
    return new StorageError('DATABASE', `${this.#path} can't be used: ${errorMessage(error)}`, { cause: error })
  }
}

/**
 * A source is hashed with its account, so that nobody reads from the table who logs in at the same place; 128 bits are enough,
 * since nobody gains by two that are equal.
 */
function sourceHash(account: string, address: string): string {
  return createHash('sha256')
    .update(`${account}\n${sourceKey(address)}`)
    .digest('base64url')
    .slice(0, 22)
}
