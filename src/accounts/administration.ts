import type { Clock } from '../base/clock.ts'
import { type NetlabError, UsageError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { secretCode } from '../base/secret-code.ts'
import { suggest } from '../base/suggest.ts'
import { canonicalIp } from '../net/ip.ts'
import { formatNetwork, parseNetwork } from '../net/networks.ts'
import { nothingDone } from '../terminal/operator-console.ts'
import { checkKnownName, checkName, nameFaults, nameKey } from '../text/names.ts'
import type { SessionEnd, SessionInfo, SessionNotifier } from './accounts.ts'
import type { PasswordHasher } from './argon2.ts'
import type { HashQueue } from './hash-queue.ts'
import type { KnownSources } from './known-sources.ts'
import { accountLimits } from './limits.ts'
import type { PasswordVerifier } from './password-verifier.ts'
import type { RegistrationPolicy } from './registration.ts'
import { credentialOf, type Sessions } from './sessions.ts'
import type { LoginThrottle } from './throttle.ts'
import type { Renamed, UserStore } from './user-store.ts'
import { type BanRecord, hostKey } from './users-file.ts'

/** Whom a name means: on a server that people log in to, an account; on one that knows hosts, a host. */
export type NameSpace = 'users' | 'hosts'

export interface UserEntry {
  readonly name: string
  /** ISO 8601. */
  readonly since: string
  /** Milliseconds since the Unix epoch. */
  readonly lastLoginMs?: number
  /** Where the last login came from. */
  readonly address?: string
  readonly sessions: number
  readonly banned: boolean
  /** Has a one-time password that was not used yet. */
  readonly oneTime: boolean
}

export interface HostEntry {
  readonly address: string
  readonly name: string
  readonly since: string
}

export interface People {
  readonly users: readonly UserEntry[]
  readonly hosts: readonly HostEntry[]
}

/** What was done to somebody; of a host the address, of an account the id. */
export interface Done {
  readonly name: string
  readonly account?: string
  readonly address?: string
  /** Sessions that ended. */
  readonly sessions: number
}

/** A ban that holds: of an account, by its name of today, or of addresses. */
export interface Ban {
  readonly name?: string
  /** As CIDR writes it. */
  readonly address?: string
  readonly since: string
  readonly until?: string
}

export interface BanRequest {
  /** A name; or, for a ban of addresses, a block of them. */
  readonly whom: string
  readonly what: 'name' | 'address'
  readonly space: NameSpace
  /** How long; without it there is no end. */
  readonly forMs?: number | undefined
}

interface NamedRequest {
  readonly name: string
  readonly space: NameSpace
}

/** What the operator asks of the owner of all accounts. Rejects with UsageError for what is mistyped, StorageError for the disk. */
export type AdministrationCalls = {
  people(argument: undefined): Promise<People>
  /** @param name or a host's address */
  forget(request: NamedRequest): Promise<Done>
  rename(request: { readonly old: string; readonly name: string; readonly space: NameSpace }): Promise<Done>
  /** Gives an account a password for one login; `password` is told this once. */
  reset(request: { readonly name: string }): Promise<Done & { readonly password: string }>
  sessionsOf(request: { readonly name: string }): Promise<readonly SessionInfo[]>
  logOut(request: { readonly name: string }): Promise<Done>
  ban(request: BanRequest): Promise<Done & Ban>
  /** @param whom a name or a block of addresses, as `bans` has it */
  unban(request: { readonly whom: string }): Promise<Ban>
  bans(argument: undefined): Promise<readonly Ban[]>
  /** Forgets every host, user and session, and keeps what there was beside the file; answers how many hosts and users. */
  clear(argument: undefined): Promise<number>
}

/** What the owner of all accounts is made of; `openAccounts` puts it together. */
export interface AccountParts {
  readonly users: UserStore
  readonly sessions: Sessions
  readonly sessionEnds: SessionNotifier<SessionEnd>
  readonly hasher: PasswordHasher
  readonly queue: HashQueue
  readonly throttle: LoginThrottle
  readonly verifier: PasswordVerifier
  readonly knownSources: KnownSources
  readonly registration: RegistrationPolicy
  readonly record: EventSink
  readonly clock: Clock
}

interface AdministrationParts extends AccountParts {
  recordFault(error: unknown): void
  /** Makes a change of the known sources; the operator hears of one that fails. */
  remember(change: () => void): void
  info(id: string): readonly SessionInfo[]
  /** Tells all who use one of the sessions that their account is called so now. */
  renamed(sessions: readonly number[], name: string): void
}

/** The operator's part of the accounts. */
export class Administration {
  readonly #parts: AdministrationParts
  readonly #record: EventSink

  constructor(parts: AdministrationParts) {
    this.#parts = parts
    this.#record = parts.record
  }

  people(): People {
    const { users, sessions } = this.#parts
    const banned = new Set(this.#held().map(({ account }) => account))
    return {
      users: users.users().map(({ name, since, id, oneTime }) => {
        const last = sessions.lastLogin(id)
        return {
          name,
          since,
          ...(last !== undefined && { lastLoginMs: last.atMs, address: last.address }),
          sessions: sessions.ofAccount(id).length,
          banned: banned.has(id),
          oneTime: oneTime === true,
        }
      }),
      hosts: users.hosts(),
    }
  }

  async forget({ name, space }: NamedRequest): Promise<Done> {
    const { users, sessions, knownSources, remember } = this.#parts
    const address = canonicalIp(name)
    if (address !== undefined) return this.#forgetHost(address)
    if (space === 'hosts') return this.#forgetHost(this.#host(name).address)
    const removed = await users.removeUser(name)
    if (removed === undefined) throw this.#unknown(name, space)
    const ended = await this.#settled(sessions.endAll(removed.id, 'revoked', true), 0)
    remember(() => knownSources.forget(removed.id))
    this.#record({ type: 'account-changed', action: 'forgotten', name: removed.name, sessions: ended })
    return { name: removed.name, account: removed.id, sessions: ended }
  }

  async rename({ old, name, space }: Parameters<AdministrationCalls['rename']>[0]): Promise<Done> {
    const { users, sessions, renamed } = this.#parts
    const check = checkName(name)
    if (check.kind === 'bad') throw new UsageError(nameFaults[check.why].replace(/\.$/, ''))
    const before = space === 'hosts' ? this.#host(old).name : this.#user(old).name
    const outcome: Renamed<{ readonly name: string; readonly id?: string; readonly address?: string }> =
      space === 'hosts' ? await users.renameHost(before, check.name) : await users.renameUser(old, check.name)
    if (outcome.kind === 'unknown') throw this.#unknown(old, space)
    if (outcome.kind === 'taken')
      throw new UsageError(
        outcome.alike === true ? `${name} looks like a name that somebody else has` : `${name} is taken`,
      )
    const { id, address } = outcome.record
    if (id !== undefined) renamed(await this.#settled(sessions.rename(id, check.name), []), check.name)
    this.#record({ type: 'account-changed', action: 'renamed', name: before, newName: check.name })
    return {
      name: check.name,
      sessions: 0,
      ...(id !== undefined && { account: id }),
      ...(address !== undefined && { address }),
    }
  }

  async reset({ name }: { readonly name: string }): Promise<Done & { readonly password: string }> {
    const { users, sessions, hasher, knownSources, remember } = this.#parts
    const user = this.#user(name)
    const password = secretCode(accountLimits.oneTimeGroups)
    // Not through the queue of those who log in: the operator does not wait behind a crowd.
    const hash = await hasher.hash(password)
    const now = users.account(user.id)
    if (now === undefined || !(await users.changeHash(now.name, now.hash, hash, true)))
      throw this.#unknown(name, 'users')
    // Whoever had the old password is not known any more.
    remember(() => knownSources.forget(user.id))
    const ended = sessions.ofAccount(user.id).length
    await this.#settled(sessions.changeCredential(user.id, credentialOf(hash), 'none'), undefined)
    this.#record({ type: 'account-changed', action: 'reset', name: user.name, sessions: ended })
    return { name: user.name, account: user.id, sessions: ended, password }
  }

  sessionsOf({ name }: { readonly name: string }): readonly SessionInfo[] {
    return this.#parts.info(this.#user(name).id)
  }

  async logOut({ name }: { readonly name: string }): Promise<Done> {
    const { sessions } = this.#parts
    const { id, name: known } = this.#user(name)
    const ids = sessions.ofAccount(id).map((row) => row.id)
    await sessions.revoke(ids)
    this.#record({ type: 'account-changed', action: 'logged-out', name: known, sessions: ids.length })
    return { name: known, account: id, sessions: ids.length }
  }

  async ban({ whom, what, space, forMs }: BanRequest): Promise<Done & Ban> {
    const { users, sessions, clock } = this.#parts
    const since = new Date(clock.now()).toISOString()
    const until = forMs === undefined ? {} : { until: new Date(clock.now() + forMs).toISOString() }
    const user = what === 'name' && space === 'users' ? this.#user(whom) : undefined
    const address = user === undefined ? networkOf(what === 'name' ? this.#host(whom).address : whom) : undefined
    const target =
      user === undefined ? { ...(address !== undefined && { address }) } : { account: user.id, name: user.name }
    const record: BanRecord = { ...target, since, ...until }
    if (this.#held().length >= accountLimits.bans)
      throw new UsageError(`there are ${accountLimits.bans} bans already`, { hint: 'take some back with unban' })
    await users.changeBans((bans) => {
      const others = this.#held(bans).filter((ban) => ban.account !== record.account || ban.address !== record.address)
      return [...others, record]
    })
    const ended = user === undefined ? 0 : await this.#settled(sessions.endAll(user.id, 'banned'), 0)
    const name = user?.name ?? address ?? whom
    this.#record({ type: 'account-changed', action: 'banned', name, sessions: ended, ...until })
    return { ...record, name, sessions: ended }
  }

  async unban({ whom }: { readonly whom: string }): Promise<Ban> {
    const { users } = this.#parts
    const network = parseNetwork(whom)
    const address = network === undefined ? undefined : formatNetwork(network)
    const key = nameKey(whom)
    const meant = (ban: BanRecord): boolean =>
      address === undefined ? nameKey(this.#nameOf(ban) ?? '') === key : ban.address === address
    const found = this.#held().find(meant)
    if (found === undefined) {
      const host = address === undefined ? users.hostNamed(whom)?.address : undefined
      if (host !== undefined) return this.unban({ whom: host })
      throw nothingDone(`${whom} is not banned`, '"bans" lists who is')
    }
    await users.changeBans((bans) => this.#held(bans).filter((ban) => !meant(ban)))
    const shown = this.#shown(found)
    this.#record({ type: 'account-changed', action: 'unbanned', name: shown.name ?? shown.address ?? whom })
    return shown
  }

  bans(): readonly Ban[] {
    return this.#held().map((ban) => this.#shown(ban))
  }

  async clear(): Promise<number> {
    const { users, sessions, knownSources, remember, recordFault } = this.#parts
    const count = await users.clear()
    await sessions.clear().catch(recordFault)
    remember(() => knownSources.clear())
    this.#record({ type: 'users-cleared', count })
    return count
  }

  /** The ban of an account, if it holds. */
  banOf(account: string): BanRecord | undefined {
    return this.#held().find((ban) => ban.account === account)
  }

  async #forgetHost(address: string): Promise<Done> {
    const removed = await this.#parts.users.removeHost(hostKey(address))
    if (removed === undefined) throw nothingDone(`no host of the address ${address} is known`, '"users" lists who is')
    this.#record({ type: 'account-changed', action: 'forgotten', name: removed.name })
    return { name: removed.name, address: removed.address, sessions: 0 }
  }

  /** Bans whose time is over hold no more; the next change of the bans takes them out of the file. */
  #held(bans: readonly BanRecord[] = this.#parts.users.bans()): readonly BanRecord[] {
    if (bans.length === 0) return bans
    const now = this.#parts.clock.now()
    return bans.filter(({ until }) => until === undefined || Date.parse(until) > now)
  }

  #nameOf({ account, name }: BanRecord): string | undefined {
    return account === undefined ? undefined : (this.#parts.users.account(account)?.name ?? name)
  }

  #shown(ban: BanRecord): Ban {
    const { address, since, until } = ban
    const name = this.#nameOf(ban)
    return {
      since,
      ...(name !== undefined && { name }),
      ...(address !== undefined && { address }),
      ...(until !== undefined && { until }),
    }
  }

  /** What was changed in the users file holds, though the database could not be written; the operator hears of that. */
  async #settled<T>(change: Promise<T>, otherwise: T): Promise<T> {
    try {
      return await change
    } catch (error) {
      this.#parts.recordFault(error)
      return otherwise
    }
  }

  #user(name: string) {
    const user = this.#parts.users.user(name)
    if (user === undefined) throw this.#unknown(name, 'users')
    return user
  }

  #host(name: string) {
    const { users } = this.#parts
    const address = canonicalIp(name)
    const host = address === undefined ? users.hostNamed(name) : users.host(hostKey(address))
    if (host === undefined) throw this.#unknown(name, 'hosts')
    return host
  }

  /** Says who may be meant. */
  #unknown(name: string, space: NameSpace): NetlabError {
    const { users } = this.#parts
    const host = users.hostNamed(name)
    if (space === 'users' && host !== undefined)
      return nothingDone(`no account is called ${name}`, `the host ${host.address} is`)
    if (space === 'hosts' && users.user(name) !== undefined)
      return nothingDone(`no host is called ${name}`, 'an account is')
    const known = checkKnownName(name).kind === 'good' ? (space === 'users' ? users.users() : users.hosts()) : []
    const near = suggest(
      name,
      known.slice(0, accountLimits.suggestedNames).map((one) => one.name),
    )
    const hint = near === undefined ? '"users" lists who is known' : `did you mean ${near}?`
    return nothingDone(`nobody is called ${name}`, hint)
  }
}

/** The one spelling of a block. @throws {UsageError} */
function networkOf(text: string): string {
  const network = parseNetwork(text)
  if (network !== undefined) return formatNetwork(network)
  throw new UsageError(`"${text}" is no network such as 192.168.1.0/24, 2001:db8::/32 or 192.0.2.7`)
}
