import type { Clock } from '../base/clock.ts'
import { StorageError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import type { Network } from '../net/networks.ts'
import { checkKnownName, checkName } from '../text/names.ts'
import type {
  Accounts,
  Banned,
  ChangeOutcome,
  Credentials,
  IdentifyOutcome,
  LoginOutcome,
  LogoutOutcome,
  LogoutScope,
  NamedAccount,
  NameOutcome,
  PasswordChangeRequest,
  RegisterOutcome,
  RegisterRequest,
  ResumeOutcome,
  SessionEnd,
  SessionGranted,
  SessionInfo,
  SessionsOutcome,
  Unavailable,
} from './accounts.ts'
import { SessionNotifier } from './accounts.ts'
import { type AccountParts, Administration } from './administration.ts'
import { argon2Hasher, type PasswordHasher } from './argon2.ts'
import { HashQueue } from './hash-queue.ts'
import { type KnownSources, SqliteKnownSources } from './known-sources.ts'
import { type PasswordFault, passwordFault } from './password-rules.ts'
import { PasswordVerifier } from './password-verifier.ts'
import { type RegistrationPolicy, sameCode } from './registration.ts'
import { MemorySessionStore, type SessionRow, SqliteSessionStore } from './session-store.ts'
import { credentialOf, ownerOf, Sessions, type SessionTimes } from './sessions.ts'
import { LoginThrottle } from './throttle.ts'
import { type Disk, FileUserStore, type UserStore } from './user-store.ts'
import { type BanRecord, hostKey, type UserRecord } from './users-file.ts'

/** How accounts are kept: plain data, so that it can be sent to a thread. */
export interface AccountsConfig {
  readonly usersPath: string
  /** Where sessions are kept; without it they end with the server. */
  readonly databasePath?: string
  readonly sessionTimes: SessionTimes
  /** Hashes at a time: max(1, cores − 1) leaves a core to everyone else. */
  readonly hashWidth: number
  /** Who may register; everybody if it doesn't say. */
  readonly registration?: RegistrationPolicy
  /** Sources that are never slowed down. */
  readonly throttleExempt?: readonly Network[]
}

export interface AccountsServices {
  readonly clock: Clock
  readonly record: EventSink
  readonly hasher?: PasswordHasher
  readonly disk?: Disk
}

/** Opens the stores. @throws {StorageError} when one can't be used; then none stays open. */
export async function openAccounts(config: AccountsConfig, services: AccountsServices): Promise<LocalAccounts> {
  const { clock, record, hasher = argon2Hasher() } = services
  const users = new FileUserStore({ path: config.usersPath, ...services })
  try {
    const sessionEnds = new SessionNotifier<SessionEnd>()
    const sessions = openSessions(config, services, users, (id, why) => sessionEnds.announce(id, why))
    const knownSources = await openKnownSources(config, services, sessions)
    const queue = new HashQueue(config.hashWidth, clock)
    const registration = config.registration ?? { mode: 'open' }
    const throttle = new LoginThrottle(clock, {
      exempt: config.throttleExempt ?? [],
      namesAreSecret: registration.mode !== 'open',
    })
    const verifier = new PasswordVerifier({ users, hasher, queue, throttle, knownSources })
    const parts = {
      users,
      sessions,
      sessionEnds,
      knownSources,
      hasher,
      queue,
      throttle,
      verifier,
      registration,
      record,
      clock,
    }
    return new LocalAccounts(parts)
  } catch (error) {
    await users.close()
    throw error
  }
}

function openSessions(
  { databasePath, sessionTimes }: AccountsConfig,
  { clock }: AccountsServices,
  users: UserStore,
  onEnd: (id: number, why: SessionEnd) => void,
): Sessions {
  const store = databasePath === undefined ? new MemorySessionStore() : new SqliteSessionStore(databasePath)
  try {
    return new Sessions(store, clock, sessionTimes, onEnd, (row) => bindSession(row, users))
  } catch (error) {
    store.close()
    throw error
  }
}

async function openKnownSources(
  { databasePath }: AccountsConfig,
  { clock }: AccountsServices,
  sessions: Sessions,
): Promise<KnownSources> {
  try {
    return new SqliteKnownSources(databasePath, () => clock.now())
  } catch (error) {
    await sessions.close()
    throw error
  }
}

/** The row with its owner; undefined when its account is gone, or has another password since somebody edited the users file. */
function bindSession(row: SessionRow, users: UserStore): SessionRow | undefined {
  const user = row.account === '' ? users.user(row.user) : users.account(row.account)
  if (user === undefined) return undefined
  if (row.account === '') {
    // An older netlab wrote it. A name that was registered later is somebody else's.
    if (Date.parse(user.since) > row.createdMs) return undefined
    return { ...row, account: user.id, credential: credentialOf(user.hash) }
  }
  if (row.credential !== credentialOf(user.hash)) return undefined
  return row.user === user.name ? row : { ...row, user: user.name }
}

/** How long earlier failures made a login wait, and whose. */
type Delay = Pick<SessionGranted, 'delayedMs' | 'delayedBy'>

/** The owner of all accounts; there is one, in one thread. */
export class LocalAccounts implements Accounts {
  /** What the operator asks. */
  readonly administration: Administration
  /** Of the accounts of sessions. */
  readonly sessionNames = new SessionNotifier<string>()
  readonly #parts: AccountParts

  constructor(parts: AccountParts) {
    this.#parts = parts
    this.administration = new Administration({
      ...parts,
      recordFault: this.#recordFault,
      info: (account) => parts.sessions.ofAccount(account).map((row) => this.#info(row)),
      remember: (change) => this.#remember(change),
      renamed: (sessions, name) => {
        for (const session of sessions) this.sessionNames.announce(session, name)
      },
    })
  }

  async nameOf({ address }: { readonly address: string }): Promise<NameOutcome> {
    return { kind: 'host', name: this.#parts.users.host(hostKey(address))?.name }
  }

  async identify(request: { readonly address: string; readonly name: string }): Promise<IdentifyOutcome> {
    const check = checkName(request.name)
    if (check.kind === 'bad') return { kind: 'bad-name', why: check.why }
    return this.#persist(async () => {
      const answer = await this.#parts.users.identify(hostKey(request.address), check.name)
      if (answer.kind !== 'identified') return answer
      return { kind: 'identified', name: answer.record.name, isNew: answer.isNew }
    })
  }

  async login(request: Credentials, signal?: AbortSignal): Promise<LoginOutcome> {
    const { users, sessions, verifier, queue, hasher } = this.#parts
    const check = checkKnownName(request.name)
    if (check.kind === 'bad') return { kind: 'bad-name', why: check.why }
    const { newPassword } = request
    const why = newPassword === undefined ? undefined : replacementFault(newPassword, request)
    if (why !== undefined) return { kind: 'bad-password', why }
    const verified = await verifier.verify(request, signal)
    if (verified.kind !== 'verified') return verified
    const { user, newHash, delayedMs, delayedBy } = verified
    const delay = { delayedMs, delayedBy }
    if (newHash !== undefined) {
      // The old hash still verifies, so a disk that can't keep the new one is no reason to turn the user away.
      const changed = await users.changeHash(user.name, user.hash, newHash).catch(this.#recordFault)
      if (changed === true) {
        await sessions.changeCredential(user.id, credentialOf(newHash), 'all').catch(this.#recordFault)
      }
    }
    // The password may have been changed, or everyone cleared, while this one was being verified.
    const now = users.account(user.id)
    if (now === undefined) return { kind: 'wrong', ...delay }
    if (now.hash !== user.hash && now.hash !== newHash) {
      const turn = await queue.run(() => hasher.verify(now.hash, request.password), { signal })
      if (turn.kind !== 'done') return turn
      if (!turn.value) return { kind: 'wrong', account: user.name, ...delay }
    }
    const ban = this.administration.banOf(now.id)
    if (ban !== undefined) return banned(ban)
    if (newPassword !== undefined) return this.#replacePassword(now, newPassword, request.address, delay, signal)
    if (now.oneTime === true) return { kind: 'must-change', ...delay }
    return this.#persist(() => this.#welcome(now, request.address, delay))
  }

  /** A login that brings another password for the next ones: every session of before ends. */
  async #replacePassword(
    user: UserRecord,
    password: string,
    address: string,
    delay: Delay,
    signal: AbortSignal | undefined,
  ): Promise<LoginOutcome> {
    const { users, sessions, queue, hasher, knownSources } = this.#parts
    const turn = await queue.run(() => hasher.hash(password), { urgent: true, signal })
    if (turn.kind !== 'done') return turn
    return this.#persist(async () => {
      if (!(await users.changeHash(user.name, user.hash, turn.value, false))) {
        return { kind: 'wrong', account: user.name, ...delay }
      }
      const changed = sessions.ofAccount(user.id).length
      await sessions.changeCredential(user.id, credentialOf(turn.value), 'none').catch(this.#recordFault)
      const now = users.account(user.id)
      if (now === undefined) return { kind: 'wrong', ...delay }
      this.#remember(() => knownSources.keepOnly(user.id, address))
      return { ...(await this.#welcome(now, address, delay)), changed }
    })
  }

  async register(request: RegisterRequest, signal?: AbortSignal): Promise<RegisterOutcome> {
    const { throttle, registration } = this.#parts
    if (registration.mode === 'closed') return { kind: 'closed' }
    const { name, password, address } = request
    const check = checkName(name)
    if (check.kind === 'bad') return { kind: 'bad-name', why: check.why }
    const why = passwordFault(password, check.name)
    if (why !== undefined) return { kind: 'bad-password', why }
    if (registration.mode === 'code') {
      const refused = await this.#refusedCode(registration.code, request, signal)
      if (refused !== undefined) return refused
    }
    const admission = await throttle.registration(check.name, address, signal)
    if (admission.kind === 'throttled') return { ...admission, by: 'registrations' }
    if (admission.kind === 'left') return admission
    let outcome: RegisterOutcome | undefined
    try {
      outcome = await this.#register(check.name, password, address, signal)
      return outcome
    } finally {
      const registered = outcome?.kind === 'welcome' || outcome?.kind === 'registered-only'
      admission.settle(registered ? 'right' : outcome?.kind === 'taken' ? 'wrong' : 'untested')
    }
  }

  async #register(
    name: string,
    password: string,
    address: string,
    signal: AbortSignal | undefined,
  ): Promise<RegisterOutcome> {
    const { users, queue, hasher } = this.#parts
    // This tells a stranger who exists, as registering does anywhere; the throttle keeps it from being asked often.
    if (users.user(name) !== undefined) return { kind: 'taken' }
    const turn = await queue.run(() => hasher.hash(password), { signal })
    if (turn.kind !== 'done') return turn
    const answer = await this.#persist(() => users.register(name, turn.value))
    if (answer.kind !== 'registered') return answer
    // The account is on disk now, whatever becomes of its first session.
    const welcome = await this.#persist(() => this.#welcome(answer.record, address, { delayedMs: 0 }))
    return welcome.kind === 'storage' ? { kind: 'registered-only' } : welcome
  }

  /** Why the code that was said is not good enough; undefined when it is. */
  async #refusedCode(
    needed: string,
    { code = '', address }: RegisterRequest,
    signal: AbortSignal | undefined,
  ): Promise<RegisterOutcome | undefined> {
    if (code === '') return { kind: 'bad-code', why: 'missing' }
    const admission = await this.#parts.throttle.code(address, signal)
    if (admission.kind !== 'admitted') return admission
    const right = sameCode(code, needed)
    admission.settle(right ? 'right' : 'wrong')
    return right ? undefined : { kind: 'bad-code', why: 'wrong' }
  }

  async resume({ token }: { readonly token: string }): Promise<ResumeOutcome> {
    const { sessions, users } = this.#parts
    const row = sessions.resume(token)
    if (typeof row === 'string') return { kind: 'no-session', why: row }
    // The accounts may have been cleared while the sessions' end is still being written.
    if (users.account(row.account) === undefined) return { kind: 'no-session', why: 'unknown' }
    const ban = this.administration.banOf(row.account)
    if (ban !== undefined) return banned(ban)
    return { kind: 'welcome', session: this.#info(row), account: row.account, delayedMs: 0 }
  }

  async sessions({ session }: { readonly session: number }): Promise<SessionsOutcome> {
    const row = this.#parts.sessions.get(session)
    if (row === undefined) return { kind: 'no-session', why: 'unknown' }
    return { kind: 'sessions', sessions: this.#parts.sessions.ofAccount(row.account).map((one) => this.#info(one)) }
  }

  async logout(request: { readonly session: number; readonly which: LogoutScope }): Promise<LogoutOutcome> {
    const { sessions } = this.#parts
    const row = sessions.get(request.session)
    if (row === undefined) return { kind: 'no-session', why: 'unknown' }
    const ids = sessions.ofAccount(row.account).flatMap(({ id }) => (ends(request.which, id, row.id) ? id : []))
    return this.#persist(async () => {
      await sessions.revoke(ids)
      return { kind: 'logged-out', count: ids.length }
    })
  }

  async changePassword(request: PasswordChangeRequest, signal?: AbortSignal): Promise<ChangeOutcome> {
    const { sessions, users, verifier, queue, hasher, knownSources } = this.#parts
    const row = sessions.get(request.session)
    if (row === undefined) return { kind: 'no-session', why: 'unknown' }
    const why = passwordFault(request.new, row.user)
    if (why !== undefined) return { kind: 'bad-password', why }
    const old = { name: row.user, password: request.old, address: request.address }
    const verified = await verifier.verify(old, signal)
    // An old password of an impossible length is simply wrong.
    if (verified.kind === 'bad-password') return { kind: 'wrong', account: row.user, delayedMs: 0 }
    if (verified.kind !== 'verified') return verified
    const turn = await queue.run(() => hasher.hash(request.new), { urgent: true, signal })
    if (turn.kind !== 'done') return turn
    const changed = await this.#persist(async () => ({
      kind: 'done' as const,
      value: await users.changeHash(row.user, verified.user.hash, turn.value, false),
    }))
    if (changed.kind !== 'done') return changed
    if (!changed.value) return { kind: 'wrong', account: row.user, delayedMs: verified.delayedMs }
    // The password is another one now, whether or not the database can be written.
    const others = sessions.ofAccount(row.account).length - 1
    await sessions.changeCredential(row.account, credentialOf(turn.value), row.id).catch(this.#recordFault)
    this.#remember(() => knownSources.keepOnly(row.account, request.address))
    return { kind: 'changed', revoked: others }
  }

  clear(): Promise<number> {
    return this.administration.clear()
  }

  /** The ids of the accounts that have these names, which are then as they were registered. */
  accountsOf(names: readonly string[]): readonly NamedAccount[] {
    return names.map((name) => {
      const user = this.#parts.users.user(name)
      return { name: user?.name ?? name, account: user?.id }
    })
  }

  get sessionEnds(): SessionNotifier<SessionEnd> {
    return this.#parts.sessionEnds
  }

  onEnd(session: number, callback: (why: SessionEnd) => void): () => void {
    return this.sessionEnds.watch(session, callback)
  }

  onRename(session: number, callback: (name: string) => void): () => void {
    return this.sessionNames.watch(session, callback)
  }

  /** Loads the code that hashes, so that the first login doesn't wait for it. Rejects when it can't be loaded. */
  load(): Promise<void> {
    return this.#parts.hasher.load()
  }

  /** Everything acknowledged is on disk when this resolves. */
  async close(): Promise<void> {
    await this.#parts.users.close()
    try {
      await this.#parts.sessions.close()
    } finally {
      this.#parts.knownSources.close()
    }
  }

  async #welcome(user: UserRecord, address: string, delay: Delay): Promise<SessionGranted> {
    const { sessions, knownSources } = this.#parts
    const { row, token } = await sessions.create(ownerOf(user), hostKey(address))
    this.#remember(() => knownSources.add(user.id, address))
    return { kind: 'welcome', session: this.#info(row), account: row.account, token, ...delay }
  }

  /** What is not remembered makes an owner wait like a stranger, no more: nobody is turned away for it. */
  #remember(change: () => void): void {
    try {
      change()
    } catch (error) {
      this.#recordFault(error)
    }
  }

  #info(row: SessionRow): SessionInfo {
    const { id, user, address, createdMs, usedMs } = row
    return { id, user, address, createdMs, usedMs, expiresMs: this.#parts.sessions.expiresMs(row) }
  }

  /** A disk that fails is told the operator. @throws what is no StorageError */
  readonly #recordFault = (error: unknown): void => {
    if (!(error instanceof StorageError)) throw error
    this.#parts.record({ type: 'fault', where: 'accounts', error: error.message })
  }

  /** Makes a change that is written to disk. When that fails, the client gets an outcome and the operator an event. */
  async #persist<T>(change: () => Promise<T>): Promise<T | Unavailable> {
    try {
      return await change()
    } catch (error) {
      this.#recordFault(error)
      return { kind: 'storage' }
    }
  }
}

/** What is wrong with a password that takes the place of the one given with it. */
function replacementFault(newPassword: string, { name, password }: Credentials): PasswordFault | undefined {
  return passwordFault(newPassword, name) ?? (newPassword === password ? 'same' : undefined)
}

function banned({ until }: BanRecord): Banned {
  return { kind: 'banned', ...(until !== undefined && { until }) }
}

function ends(which: LogoutScope, id: number, own: number): boolean {
  if (which === 'all') return true
  if (which === 'others') return id !== own
  return id === (which === 'this' ? own : which)
}
