import { createHash, randomBytes } from 'node:crypto'
import type { Clock, Timer } from '../base/clock.ts'
import type { SessionEnd } from './accounts.ts'
import { accountLimits } from './limits.ts'
import type { LoginRow, SessionChange, SessionRow, SessionStore } from './session-store.ts'
import type { UserRecord } from './users-file.ts'

export interface SessionTimes {
  /** A session ends when it was not used for this long… */
  readonly idleMs: number
  /** …and this long after its login in any case. */
  readonly maxMs: number
}

/** Whom a session belongs to. */
export interface SessionOwner {
  readonly name: string
  readonly account: string
  readonly credential: string
}

/** The owner of a session that an account opens today. */
export function ownerOf({ name, id, hash }: UserRecord): SessionOwner {
  return { name, account: id, credential: credentialOf(hash) }
}

/**
 * What the monotonic clock knows of a session, in milliseconds: when this process met it, and was told last that it was used, and how
 * long ago it had been created and used then, by the wall clock.
 */
interface Witness {
  readonly metMs: number
  readonly createdAgoMs: number
  readonly usedAtMs: number
  readonly usedAgoMs: number
}

/**
 * All sessions, looked up in memory. A session belongs to one account with one password, not to a name: whose account is
 * gone, or whose password was changed, by us or in the file, has none any more. Every change is answered once the store has
 * it, except the time of last use, which follows within a minute. `onEnd` hears of each session's end.
 *
 * The wall clock may jump, and be set right again: a session has expired when that says so and the monotonic clock doesn't know better.
 * It is refused then, and dropped when the clock has not jumped for an hour, or the monotonic one says the same.
 */
export class Sessions {
  readonly #store: SessionStore
  readonly #journal: GroupCommit
  readonly #clock: Clock
  readonly #times: SessionTimes
  readonly #onEnd: (id: number, why: SessionEnd) => void
  readonly #byId = new Map<number, SessionRow>()
  readonly #witnesses = new Map<number, Witness>()
  readonly #byHash = new Map<string, number>()
  readonly #byAccount = new Map<string, Set<number>>()
  /** Used since they were last written. */
  readonly #used = new Set<number>()
  /** Their end is being written. */
  readonly #ending = new Set<number>()
  /** The last login of each account, as far as it is known. */
  readonly #logins = new Map<string, LoginRow>()
  #lastId = 0
  /** The wall clock less the monotonic one, and since when it has been that. */
  #offsetMs: number
  #steadyFromMs: number
  #closed = false
  #sweep: Timer | undefined

  /** @param bind the row with its owner as it is today; undefined when it belongs to nobody any more */
  constructor(
    store: SessionStore,
    clock: Clock,
    times: SessionTimes,
    onEnd: (id: number, why: SessionEnd) => void = () => {},
    bind: (row: SessionRow) => SessionRow | undefined = (row) => row,
  ) {
    this.#store = store
    this.#journal = new GroupCommit(store)
    this.#clock = clock
    this.#times = times
    this.#onEnd = onEnd
    this.#steadyFromMs = clock.monotonic()
    this.#offsetMs = clock.now() - this.#steadyFromMs
    const changes: SessionChange[] = []
    for (const row of store.load()) {
      this.#lastId = Math.max(this.#lastId, row.id)
      const bound = bind(row)
      if (bound !== undefined) this.#add(bound)
      if (bound === undefined) changes.push({ kind: 'drop', id: row.id })
      else if (bound !== row) changes.push({ kind: 'put', row: bound })
    }
    for (const login of store.logins()) this.#logins.set(login.account, login)
    if (changes.length > 0) this.#journal.settle(changes)
    this.#scheduleSweep()
  }

  get size(): number {
    return this.#byId.size
  }

  expiresMs(row: SessionRow): number {
    return Math.min(row.usedMs + this.#times.idleMs, row.createdMs + this.#times.maxMs)
  }

  /**
   * A new session. Only a hash of the token is kept, so this is the only time that it is known. @throws {StorageError} and
   * then there is no new session, and none less.
   */
  async create(owner: SessionOwner, address: string): Promise<{ readonly row: SessionRow; readonly token: string }> {
    const token = newToken()
    const now = this.#clock.now()
    const { name: user, account, credential } = owner
    const times = { createdMs: now, usedMs: now }
    const row = { id: ++this.#lastId, hash: tokenHash(token) ?? '', user, account, credential, address, ...times }
    const oldest = this.ofAccount(account)[accountLimits.sessionsPerUser - 1]
    const login = { account, atMs: now, address }
    this.#add(row)
    try {
      await this.#end(oldest === undefined ? [] : [oldest.id], 'revoked', [
        { kind: 'put', row },
        { kind: 'login', login },
      ])
      this.#logins.set(account, login)
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
    if (row === undefined || this.#ending.has(row.id)) return 'unknown'
    return this.#isOver(row) ? 'expired' : this.#use(row)
  }

  /** A session that hasn't ended, marked as used now. */
  get(id: number): SessionRow | undefined {
    const row = this.#byId.get(id)
    return row === undefined || this.#ending.has(id) || this.#isOver(row) ? undefined : this.#use(row)
  }

  /** The sessions of an account that haven't ended, the last used first. */
  ofAccount(account: string): SessionRow[] {
    return [...(this.#byAccount.get(account) ?? [])]
      .flatMap((id) => this.#byId.get(id) ?? [])
      .filter((row) => !this.#ending.has(row.id) && !this.#isOver(row))
      .sort((one, other) => other.usedMs - one.usedMs || other.id - one.id)
  }

  /** Ends sessions. Once this resolves they stay ended after a crash, too. @throws {StorageError} and then none has ended. */
  revoke(ids: readonly number[], why: SessionEnd = 'revoked'): Promise<void> {
    return this.#end(ids, why, [])
  }

  /**
   * The password of an account is another one now, and that is on disk: its sessions end, but for `kept`, which goes on.
   * Rejects with StorageError when that could not be written; it holds all the same, since a session that doesn't fit its
   * account's password is dropped at the next start.
   */
  async changeCredential(account: string, credential: string, kept: 'all' | 'none' | number): Promise<void> {
    const changes: SessionChange[] = []
    for (const id of [...(this.#byAccount.get(account) ?? [])]) {
      const row = this.#byId.get(id)
      if (row === undefined) continue
      if (kept !== 'all' && id !== kept) {
        changes.push(this.#remove(id, 'revoked'))
        continue
      }
      const changed = { ...row, credential }
      this.#byId.set(id, changed)
      changes.push({ kind: 'put', row: changed })
    }
    if (changes.length > 0) await this.#journal.settle(changes)
  }

  /** The last login of an account; undefined when none is known. */
  lastLogin(account: string): LoginRow | undefined {
    return this.#logins.get(account)
  }

  /** The account is called so now. Rejects with StorageError as `changeCredential` does. Answers which sessions it has. */
  async rename(account: string, user: string): Promise<readonly number[]> {
    const ids = [...(this.#byAccount.get(account) ?? [])]
    const changes = ids.flatMap((id): SessionChange[] => {
      const row = this.#byId.get(id)
      if (row === undefined) return []
      const renamed = { ...row, user }
      this.#byId.set(id, renamed)
      return [{ kind: 'put', row: renamed }]
    })
    if (changes.length > 0) await this.#journal.settle(changes)
    return ids
  }

  /**
   * The account may not be used any more, which is on disk: all its sessions end. `forgotten` when it is gone altogether. Rejects
   * as `changeCredential` does. Answers how many there were.
   */
  async endAll(account: string, why: SessionEnd, forgotten = false): Promise<number> {
    const ids = [...(this.#byAccount.get(account) ?? [])]
    const changes = ids.map((id) => this.#remove(id, why))
    if (forgotten) {
      this.#logins.delete(account)
      changes.push({ kind: 'forget', account })
    }
    if (changes.length > 0) await this.#journal.settle(changes)
    return ids.length
  }

  /** All accounts are gone, and that is on disk. */
  async clear(): Promise<void> {
    for (const id of [...this.#byId.keys()]) this.#remove(id, 'revoked')
    this.#logins.clear()
    await this.#journal.settle([{ kind: 'drop-all' }])
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

  /** On disk first: what is told of an end that could not be written, that nothing has changed, is true then. */
  async #end(ids: readonly number[], why: SessionEnd, others: readonly SessionChange[]): Promise<void> {
    const known = ids.filter((id) => this.#byId.has(id))
    const changes = [...others, ...known.map((id): SessionChange => ({ kind: 'drop', id }))]
    if (changes.length === 0) return
    for (const id of known) this.#ending.add(id)
    try {
      await this.#journal.commit(changes)
      for (const id of known) if (this.#byId.has(id)) this.#remove(id, why)
    } finally {
      for (const id of known) this.#ending.delete(id)
    }
  }

  #isOver(row: SessionRow): boolean {
    const { idleMs, maxMs } = this.#times
    const { metMs, createdAgoMs, usedAtMs, usedAgoMs } = this.#witness(row)
    return (
      this.#ago(row.usedMs, usedAtMs, usedAgoMs) >= idleMs || this.#ago(row.createdMs, metMs, createdAgoMs) >= maxMs
    )
  }

  /** Without the wall clock: this process has seen all of that time. */
  #isSurelyOver(row: SessionRow): boolean {
    const { metMs, usedAtMs } = this.#witness(row)
    const nowMs = this.#clock.monotonic()
    return nowMs - usedAtMs >= this.#times.idleMs || nowMs - metMs >= this.#times.maxMs
  }

  /** How long ago something was at least, that was `agoMs` ago at the monotonic time `atMs`: a jump makes nothing older than it is. */
  #ago(wallMs: number, atMs: number, agoMs: number): number {
    const since = this.#clock.monotonic() - atMs
    return Math.max(since, Math.min(this.#clock.now() - wallMs, agoMs + since))
  }

  #witness({ id, createdMs, usedMs }: SessionRow): Witness {
    const known = this.#witnesses.get(id)
    if (known !== undefined) return known
    const [now, atMs] = [this.#clock.now(), this.#clock.monotonic()]
    const ago = (thenMs: number): number => Math.max(0, now - thenMs)
    const witness = { metMs: atMs, createdAgoMs: ago(createdMs), usedAtMs: atMs, usedAgoMs: ago(usedMs) }
    this.#witnesses.set(id, witness)
    return witness
  }

  /** Whether the wall clock has gone with the monotonic one for so long that it is believed. */
  #isSteady(): boolean {
    const nowMs = this.#clock.monotonic()
    const offsetMs = this.#clock.now() - nowMs
    if (Math.abs(offsetMs - this.#offsetMs) > accountLimits.clockJumpMs) {
      this.#offsetMs = offsetMs
      this.#steadyFromMs = nowMs
    }
    return nowMs - this.#steadyFromMs >= accountLimits.clockTrustMs
  }

  #use(row: SessionRow): SessionRow {
    const now = this.#clock.now()
    this.#witnesses.set(row.id, { ...this.#witness(row), usedAtMs: this.#clock.monotonic(), usedAgoMs: 0 })
    // What was noted while the clock was ahead is put right.
    const used = this.#isSteady()
      ? { ...row, usedMs: now, createdMs: Math.min(now, row.createdMs) }
      : { ...row, usedMs: Math.max(now, row.usedMs) }
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
    this.#witness(row)
    this.#byHash.set(row.hash, row.id)
    const ids = this.#byAccount.get(row.account) ?? new Set()
    this.#byAccount.set(row.account, ids.add(row.id))
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
    this.#witnesses.delete(id)
    this.#byHash.delete(row.hash)
    this.#used.delete(id)
    const ids = this.#byAccount.get(row.account)
    ids?.delete(id)
    if (ids?.size === 0) this.#byAccount.delete(row.account)
  }

  #scheduleSweep(): void {
    if (!this.#closed)
      this.#sweep = this.#clock.after(accountLimits.sessionSweepMs, () => void this.#sweepNow(), { background: true })
  }

  async #sweepNow(): Promise<void> {
    const expired: number[] = []
    const isSteady = this.#isSteady()
    for (const row of this.#byId.values()) {
      if (isSteady ? this.#isOver(row) : this.#isSurelyOver(row)) expired.push(row.id)
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
  /** Those of them that hold whether or not they could be written. */
  readonly settled: SessionChange[]
  readonly done: Promise<void>
}

/** Changes that come in one turn of the event loop share a transaction, and so one flush of the disk. */
export class GroupCommit {
  readonly #store: SessionStore
  #batch: CommitBatch | undefined
  /** Settled changes that could not be written yet; part of the next commit. */
  #owed: SessionChange[] = []

  constructor(store: SessionStore) {
    this.#store = store
  }

  /** Resolves once the store has the changes. @throws {StorageError} and then it never gets them. */
  commit(changes: readonly SessionChange[]): Promise<void> {
    this.#batch ??= this.#open()
    this.#batch.changes.push(...changes)
    return this.#batch.done
  }

  /** The same of changes that have happened already: what fails is tried again with the next commit. */
  settle(changes: readonly SessionChange[]): Promise<void> {
    const done = this.commit(changes)
    this.#batch?.settled.push(...changes)
    // Whoever waits hears of a failure; nobody has to.
    done.catch(() => undefined)
    return done
  }

  /** Tries again what failed, and waits for what is under way. */
  async flush(): Promise<void> {
    if (this.#owed.length > 0) await this.commit([])
    else await this.#batch?.done
  }

  #open(): CommitBatch {
    const batch = { changes: [], settled: [] }
    return { ...batch, done: this.#write(batch) }
  }

  async #write({ changes, settled }: Pick<CommitBatch, 'changes' | 'settled'>): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#batch = undefined
    const owed = this.#owed
    this.#owed = []
    try {
      await this.#store.commit([...owed, ...changes])
    } catch (error) {
      this.#owed = [...owed, ...settled]
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

/**
 * Tells one password of an account from the next by its hash, salt included: a session that was opened with another one is
 * none any more. Useless to somebody who reads it, since the hash itself can't be had from it.
 */
export function credentialOf(hash: string): string {
  return createHash('sha256').update(hash).digest('base64url').slice(0, 22)
}
