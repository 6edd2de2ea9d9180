import { createHash, randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../base/clock.ts'
import { nameKey } from '../text/names.ts'
import type { SessionEnd } from './accounts.ts'
import { accountLimits } from './limits.ts'
import type { SessionChange, SessionRow, SessionStore } from './session-store.ts'

export interface SessionTimes {
  /** A session ends when it was not used for this long… */
  readonly idleMs: number
  /** …and this long after its login in any case. */
  readonly maxMs: number
}

/**
 * All sessions, looked up in memory; every change is answered once the store has it, except the time of last use, which
 * follows within a minute. `onEnd` hears of each session's end: at once when it ends before its time.
 */
export class Sessions {
  readonly #store: SessionStore
  readonly #journal: GroupCommit
  readonly #clock: Clock
  readonly #times: SessionTimes
  readonly #onEnd: (id: number, why: SessionEnd) => void
  readonly #byId = new Map<number, SessionRow>()
  readonly #byHash = new Map<string, number>()
  readonly #byUser = new Map<string, Set<number>>()
  /** Used since they were last written. */
  readonly #used = new Set<number>()
  #lastId = 0
  #closed = false
  #sweep: Timer | undefined

  constructor(
    store: SessionStore,
    clock: Clock,
    times: SessionTimes,
    onEnd: (id: number, why: SessionEnd) => void = () => {},
  ) {
    this.#store = store
    this.#journal = new GroupCommit(store)
    this.#clock = clock
    this.#times = times
    this.#onEnd = onEnd
    for (const row of store.load()) {
      this.#add(row)
      this.#lastId = Math.max(this.#lastId, row.id)
    }
    this.#scheduleSweep()
  }

  get size(): number {
    return this.#byId.size
  }

  expiresMs(row: SessionRow): number {
    return Math.min(row.usedMs + this.#times.idleMs, row.createdMs + this.#times.maxMs)
  }

  /** A new session. Only a hash of the token is kept, so this is the only time that it is known. */
  async create(user: string, address: string): Promise<{ readonly row: SessionRow; readonly token: string }> {
    const token = newToken()
    const hash = tokenHash(token) ?? ''
    const now = this.#clock.now()
    const row = { id: ++this.#lastId, hash, user, address, createdMs: now, usedMs: now }
    const silent = this.ofUser(user)[accountLimits.sessionsPerUser - 1]
    this.#add(row)
    const changes: SessionChange[] = [{ kind: 'put', row }]
    if (silent !== undefined) changes.push(this.#remove(silent.id, 'revoked'))
    try {
      await this.#journal.commit(changes)
    } catch (error) {
      this.#forget(row.id)
      throw error
    }
    return { row, token }
  }

  /** The session of a token, marked as used now; or why there is none. */
  resume(token: string): SessionRow | 'malformed' | 'expired' | 'unknown' {
    const hash = tokenHash(token)
    if (hash === undefined) return 'malformed'
    const row = this.#byId.get(this.#byHash.get(hash) ?? 0)
    if (row === undefined) return 'unknown'
    const now = this.#clock.now()
    if (now >= this.expiresMs(row)) return 'expired'
    return this.#use(row, now)
  }

  /** A session that hasn't ended, marked as used now. */
  get(id: number): SessionRow | undefined {
    const row = this.#byId.get(id)
    const now = this.#clock.now()
    return row === undefined || now >= this.expiresMs(row) ? undefined : this.#use(row, now)
  }

  /** The sessions of a user that haven't ended, the last used first. */
  ofUser(user: string): SessionRow[] {
    const now = this.#clock.now()
    return [...(this.#byUser.get(nameKey(user)) ?? [])]
      .flatMap((id) => this.#byId.get(id) ?? [])
      .filter((row) => now < this.expiresMs(row))
      .sort((one, other) => other.usedMs - one.usedMs || other.id - one.id)
  }

  /** Ends sessions, at once; once this resolves they stay ended after a crash, too. */
  async revoke(ids: readonly number[], why: SessionEnd = 'revoked'): Promise<void> {
    const changes = ids.filter((id) => this.#byId.has(id)).map((id) => this.#remove(id, why))
    if (changes.length > 0) await this.#journal.commit(changes)
  }

  async clear(): Promise<void> {
    for (const id of [...this.#byId.keys()]) this.#remove(id, 'revoked')
    await this.#journal.commit([{ kind: 'drop-all' }])
  }

  /** Writes what is left to write, and closes the store. */
  async close(): Promise<void> {
    this.#sweep?.cancel()
    this.#closed = true
    try {
      while (this.#used.size > 0) await this.#writeUsed()
      await this.#journal.flush()
    } finally {
      this.#store.close()
    }
  }

  #use(row: SessionRow, now: number): SessionRow {
    const used = { ...row, usedMs: Math.max(now, row.usedMs) }
    this.#byId.set(row.id, used)
    // The first use after a minute marks it; those in between only move the time that will be written.
    if (
      Math.floor(used.usedMs / accountLimits.sessionUsePrecisionMs) !==
      Math.floor(row.usedMs / accountLimits.sessionUsePrecisionMs)
    )
      this.#used.add(row.id)
    return used
  }

  #add(row: SessionRow): void {
    this.#byId.set(row.id, row)
    this.#byHash.set(row.hash, row.id)
    const key = nameKey(row.user)
    const ids = this.#byUser.get(key) ?? new Set()
    this.#byUser.set(key, ids.add(row.id))
  }

  #remove(id: number, why: SessionEnd): SessionChange {
    this.#forget(id)
    this.#onEnd(id, why)
    return { kind: 'drop', id }
  }

  #forget(id: number): void {
    const row = this.#byId.get(id)
    if (row === undefined) return
    this.#byId.delete(id)
    this.#byHash.delete(row.hash)
    this.#used.delete(id)
    const ids = this.#byUser.get(nameKey(row.user))
    ids?.delete(id)
    if (ids?.size === 0) this.#byUser.delete(nameKey(row.user))
  }

  #scheduleSweep(): void {
    if (!this.#closed)
      this.#sweep = this.#clock.after(accountLimits.sessionSweepMs, () => void this.#sweepNow(), { background: true })
  }

  async #sweepNow(): Promise<void> {
    const now = this.#clock.now()
    const expired: number[] = []
    for (const row of this.#byId.values()) {
      if (now >= this.expiresMs(row)) expired.push(row.id)
      if (expired.length >= accountLimits.sessionSweepCount) break
    }
    // A disk that fails now is tried again at the next sweep; expired sessions are refused whether or not they are dropped.
    await Promise.allSettled([this.revoke(expired, 'expired'), this.#writeUsed(), this.#journal.flush()])
    this.#scheduleSweep()
  }

  async #writeUsed(): Promise<void> {
    const ids = [...this.#used].slice(0, accountLimits.sessionSweepCount)
    for (const id of ids) this.#used.delete(id)
    const changes = ids.flatMap((id): SessionChange[] => {
      const row = this.#byId.get(id)
      return row === undefined ? [] : [{ kind: 'put', row }]
    })
    if (changes.length > 0) await this.#journal.commit(changes)
  }
}

interface CommitBatch {
  readonly changes: SessionChange[]
  readonly done: Promise<void>
}

/** Changes that come in one turn of the event loop share a transaction, and so one flush of the disk. */
export class GroupCommit {
  readonly #store: SessionStore
  #batch: CommitBatch | undefined
  /** Drops of sessions that the disk still has because a commit failed; part of the next commit. */
  #owed: SessionChange[] = []

  constructor(store: SessionStore) {
    this.#store = store
  }

  /** Resolves once the store has the changes. @throws {StorageError} */
  commit(changes: readonly SessionChange[]): Promise<void> {
    this.#batch ??= this.#open()
    this.#batch.changes.push(...changes)
    return this.#batch.done
  }

  /** Tries again what failed, and waits for what is under way. */
  async flush(): Promise<void> {
    if (this.#owed.length > 0) await this.commit([])
    else await this.#batch?.done
  }

  #open(): CommitBatch {
    const changes: SessionChange[] = []
    return { changes, done: this.#write(changes) }
  }

  async #write(changes: SessionChange[]): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#batch = undefined
    const all = [...this.#owed, ...changes]
    this.#owed = []
    try {
      await this.#store.commit(all)
    } catch (error) {
      this.#owed = all.filter((change) => change.kind !== 'put')
      throw error
    }
  }
}

const tokenBytes = 32

/** A new session token: 256 random bits as base64url, 43 characters. It is shown once and never kept. */
export function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url')
}

/**
 * What is kept of a token: its SHA-256, hexadecimal. A fast hash is enough, since 256 random bits can't be guessed.
 * Undefined when the text can't be a token.
 */
export function tokenHash(token: string): string | undefined {
  if (token.length > accountLimits.tokenCodeUnits || !/^[\w-]{43}$/.test(token)) return undefined
  return createHash('sha256').update(token).digest('hex')
}
