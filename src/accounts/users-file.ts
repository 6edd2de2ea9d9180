import { createHash, randomBytes } from 'node:crypto'
import { StorageError } from '../base/errors.ts'
import { canonicalIp } from '../net/ip.ts'
import { parseNetwork } from '../net/networks.ts'
import { checkKnownName, nameKey } from '../text/names.ts'
import { type JsonPath, locate, syntaxErrorOffset } from './json-position.ts'
import { accountLimits } from './limits.ts'

/** A host that gave its name. */
export interface HostRecord {
  /** As `hostKey` writes it, whichever way the file did. */
  readonly address: string
  readonly name: string
  /** When it was first seen, ISO 8601. */
  readonly since: string
}

/** Someone who registered. */
export interface UserRecord {
  readonly name: string
  /** A PHC string: algorithm, parameters, salt and hash. */
  readonly hash: string
  readonly since: string
  /**
   * This account and no other, whatever its name: sessions and rights belong to it, and end with it. Absent in files that an
   * older netlab wrote, which stand for the one that `firstId` makes.
   */
  readonly id: string
  /** The hash is that of a password which the operator gave, and which its owner has to replace at the next login. */
  readonly oneTime?: true
}

/** Who may not come to the server: an account, or a block of addresses. */
export interface BanRecord {
  /** The account's id. */
  readonly account?: string
  /** Of that account when it was banned; for people who read the file. */
  readonly name?: string
  /** A block of addresses as CIDR writes it, or one address. */
  readonly address?: string
  readonly since: string
  /** ISO 8601; without it the ban has no end. */
  readonly until?: string
}

/** The id of a new account: 72 random bits, so that none comes twice. */
export function newAccountId(): string {
  return randomBytes(9).toString('base64url')
}

/** The id of an account whose record has none yet: always the same one, so that its sessions outlive the next rewrite. */
function firstId(name: string, since: string): string {
  return createHash('sha256')
    .update(`${nameKey(name)}\n${since}`)
    .digest('base64url')
    .slice(0, 12)
}

interface CachedRecord<R> {
  readonly record: R
  /** The record as it stands in the file: made when it is first written, and kept for every rewrite after that. */
  line?: string
}

/** Everything in a users file. A change is made to a copy, which takes the place of the original once it is on disk. */
export class UserBook {
  #hosts = new Map<string, CachedRecord<HostRecord>>()
  #hostNames = new Set<string>()
  #users = new Map<string, CachedRecord<UserRecord>>()
  /** The keys of names, by account. */
  #accounts = new Map<string, string>()
  #bans: readonly BanRecord[] = []
  #changed = false

  constructor(original?: UserBook) {
    if (original === undefined) return
    this.#hosts = new Map(original.#hosts)
    this.#hostNames = new Set(original.#hostNames)
    this.#users = new Map(original.#users)
    this.#accounts = new Map(original.#accounts)
    this.#bans = original.#bans
  }

  /** True once a method was called that may have changed it. */
  get changed(): boolean {
    return this.#changed
  }

  get hostCount(): number {
    return this.#hosts.size
  }

  get userCount(): number {
    return this.#users.size
  }

  host(key: string): HostRecord | undefined {
    return this.#hosts.get(key)?.record
  }

  hasHostName(name: string): boolean {
    return this.#hostNames.has(nameKey(name))
  }

  user(name: string): UserRecord | undefined {
    return this.#users.get(nameKey(name))?.record
  }

  /** The account that has this id. */
  account(id: string): UserRecord | undefined {
    const key = this.#accounts.get(id)
    return key === undefined ? undefined : this.#users.get(key)?.record
  }

  /** The host that gave this name. */
  hostNamed(name: string): HostRecord | undefined {
    const key = nameKey(name)
    if (!this.#hostNames.has(key)) return undefined
    for (const { record } of this.#hosts.values()) if (nameKey(record.name) === key) return record
    return undefined
  }

  hosts(): readonly HostRecord[] {
    return [...this.#hosts.values()].map(({ record }) => record)
  }

  users(): readonly UserRecord[] {
    return [...this.#users.values()].map(({ record }) => record)
  }

  get bans(): readonly BanRecord[] {
    return this.#bans
  }

  set bans(bans: readonly BanRecord[]) {
    this.#changed = true
    this.#bans = bans
  }

  addHost(record: HostRecord): void {
    this.#changed = true
    this.#hosts.set(record.address, { record })
    this.#hostNames.add(nameKey(record.name))
  }

  removeHost(address: string): void {
    const record = this.host(address)
    if (record === undefined) return
    this.#changed = true
    this.#hosts.delete(address)
    this.#hostNames.delete(nameKey(record.name))
  }

  hasAccount(id: string): boolean {
    return this.#accounts.has(id)
  }

  /** Adds a user, or replaces the one of the same name. */
  setUser({
    name,
    hash,
    since,
    id = firstId(name, since),
    oneTime,
  }: Omit<UserRecord, 'id'> & Partial<UserRecord>): void {
    this.#changed = true
    const old = this.user(name)
    if (old !== undefined) this.#accounts.delete(old.id)
    this.#accounts.set(id, nameKey(name))
    const record = { name, hash, since, id, ...(oneTime === true && { oneTime }) }
    this.#users.set(nameKey(name), { record })
  }

  removeUser(name: string): void {
    const old = this.user(name)
    if (old === undefined) return
    this.#changed = true
    this.#accounts.delete(old.id)
    this.#users.delete(nameKey(name))
  }

  clear(): void {
    this.#changed = true
    this.#hosts.clear()
    this.#hostNames.clear()
    this.#users.clear()
    this.#accounts.clear()
    this.#bans = this.#bans.filter(({ account }) => account === undefined)
  }

  *hostNames(): Generator<string> {
    for (const { record } of this.#hosts.values()) yield record.name
  }

  *userNames(): Generator<string> {
    for (const { record } of this.#users.values()) yield record.name
  }

  *hostLines(): Generator<string> {
    for (const entry of this.#hosts.values()) yield lineOf(entry)
  }

  *userLines(): Generator<string> {
    for (const entry of this.#users.values()) yield lineOf(entry)
  }

  *banLines(): Generator<string> {
    for (const ban of this.#bans) yield JSON.stringify(ban)
  }
}

function lineOf(entry: CachedRecord<HostRecord | UserRecord>): string {
  entry.line ??= JSON.stringify(entry.record)
  return entry.line
}

/** The key of a client's address, which is also what people are shown. Text that is no address is its own key. */
export function hostKey(address: string): string {
  return canonicalIp(address) ?? address
}

/** Of the file format; written in the file. */
const usersFileVersion = 1

/** argon2id as a PHC string without padding, salt and tag of 8 bytes or more. */
const phc =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d?),p=([1-9]\d?)\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,172}$/

/** Parameters that RFC 9106 3.1 allows and a login can bear. Others would fail, or hold the server up, at somebody's login. */
function isUsableHash(hash: string): boolean {
  const [memoryKib = 0, passes = 0, lanes = 0] = phc.exec(hash)?.slice(1).map(Number) ?? []
  const { maxMemoryKib, maxPasses, maxLanes } = accountLimits.readHashParameters
  return lanes > 0 && lanes <= maxLanes && passes <= maxPasses && memoryKib >= 8 * lanes && memoryKib <= maxMemoryKib
}

/** The text of a users file, a record a line, in portions. */
export function* formatUsers(book: UserBook): Generator<string> {
  yield `{\n  "version": ${usersFileVersion},\n  "hosts": [`
  yield* formatList(book.hostLines())
  yield ',\n  "users": ['
  yield* formatList(book.userLines())
  if (book.bans.length > 0) {
    yield ',\n  "bans": ['
    yield* formatList(book.banLines())
  }
  yield '\n}\n'
}

function* formatList(lines: Iterable<string>): Generator<string> {
  let portion: string[] = []
  let separator = '\n    '
  for (const line of lines) {
    portion.push(separator, line)
    separator = ',\n    '
    if (portion.length < accountLimits.usersPortionCount * 2) continue
    yield portion.join('')
    portion = []
  }
  yield `${portion.join('')}${separator === '\n    ' ? ']' : '\n  ]'}`
}

/**
 * Reads a users file. `path` is only for the message.
 * @throws {StorageError} DAMAGED, with line and column but never with what stands there.
 */
export function parseUsers(content: string, path: string): UserBook {
  // Editors on Windows put a byte order mark before it.
  const text = content.replace(/^\uFEFF/, '')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Without the cause: V8 quotes the text around the fault, which may be a password's hash, and rarely says where it is.
    throw damaged(path, text, syntaxErrorOffset(text), 'this is not JSON')
  }
  const fault = (where: JsonPath, what: string) => damaged(path, text, locate(text, where), what)
  if (!isRecord(value)) throw fault([], 'an object with version, hosts and users is needed')
  if (value.version !== usersFileVersion) {
    throw fault(['version'], `only version ${usersFileVersion} of this file is understood`)
  }
  const book = new UserBook()
  readList(value.hosts, 'hosts', fault, (item, where) => {
    const problem = hostFault(item, book)
    if (problem !== undefined) throw fault([...where, problem.field], problem.what)
    book.addHost({ address: hostKey(String(item.address)), name: item.name, since: item.since } as HostRecord)
  })
  readList(value.users, 'users', fault, (item, where) => {
    const problem = userFault(item, book)
    if (problem !== undefined) throw fault([...where, problem.field], problem.what)
    const { name, hash, since, id, oneTime } = item
    book.setUser({ name, hash, since, id, oneTime } as UserRecord)
  })
  const bans: BanRecord[] = []
  readList(value.bans ?? [], 'bans', fault, (item, where) => {
    const problem = banFault(item)
    if (problem !== undefined) throw fault([...where, problem.field], problem.what)
    bans.push(item as unknown as BanRecord)
  })
  if (bans.length > 0) book.bans = bans
  return book
}

type JsonObject = Readonly<Record<string, unknown>>
type Fault = (where: JsonPath, what: string) => StorageError

function readList(list: unknown, name: string, fault: Fault, read: (item: JsonObject, where: JsonPath) => void): void {
  if (!Array.isArray(list)) throw fault([name], `"${name}" must be a list`)
  for (const [index, item] of list.entries()) {
    if (!isRecord(item)) throw fault([name, index], 'a record is an object')
    read(item, [name, index])
  }
}

interface Problem {
  readonly field: string
  readonly what: string
}

function hostFault(item: JsonObject, book: UserBook): Problem | undefined {
  const { address } = item
  if (typeof address !== 'string' || canonicalIp(address) === undefined)
    return { field: 'address', what: '"address" is an IP address' }
  // A person may have written it in another form.
  if (book.host(hostKey(address)) !== undefined) return { field: 'address', what: 'this address stands here twice' }
  return nameFault(item, (name) => book.hasHostName(name)) ?? sinceFault(item)
}

function userFault(item: JsonObject, book: UserBook): Problem | undefined {
  const problem = nameFault(item, (name) => book.user(name) !== undefined) ?? sinceFault(item)
  if (problem !== undefined) return problem
  const { id } = item
  if (id !== undefined && (typeof id !== 'string' || !/^[\w-]{1,64}$/.test(id))) {
    return { field: 'id', what: '"id" has 1 to 64 letters, digits, "-" or "_"' }
  }
  if (typeof id === 'string' && book.hasAccount(id)) return { field: 'id', what: 'this id stands here twice' }
  if (item.oneTime !== undefined && typeof item.oneTime !== 'boolean')
    return { field: 'oneTime', what: '"oneTime" is true or false' }
  const good = typeof item.hash === 'string' && isUsableHash(item.hash)
  return good ? undefined : { field: 'hash', what: '"hash" is an argon2id hash in PHC form with parameters that work' }
}

function banFault({ account, name, address, since, until }: JsonObject): Problem | undefined {
  const ofAccount = typeof account === 'string' && account !== '' && typeof name === 'string'
  const ofAddress = typeof address === 'string' && parseNetwork(address) !== undefined
  if (account === undefined ? !ofAddress : !ofAccount || address !== undefined)
    return account === undefined
      ? { field: 'address', what: '"address" is a network such as 192.0.2.0/24' }
      : { field: 'account', what: 'a ban has an "account" with its "name", or an "address"' }
  return sinceFault({ since }) ?? (until === undefined ? undefined : sinceFault({ since: until }))
}

function nameFault(item: JsonObject, taken: (name: string) => boolean): Problem | undefined {
  const { name } = item
  const check = typeof name === 'string' ? checkKnownName(name) : undefined
  if (check?.kind !== 'good' || check.name !== name) return { field: 'name', what: '"name" is not a good name' }
  return taken(name) ? { field: 'name', what: 'this name stands here twice' } : undefined
}

function sinceFault({ since }: JsonObject): Problem | undefined {
  const good = typeof since === 'string' && since.length <= 40 && !Number.isNaN(Date.parse(since))
  return good ? undefined : { field: 'since', what: '"since" is a date in ISO 8601' }
}

function isRecord(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function damaged(path: string, text: string, offset: number, what: string): StorageError {
  const before = text.slice(0, offset).split('\n')
  const column = (before.at(-1)?.length ?? 0) + 1
  return new StorageError('DAMAGED', `${path} is damaged at line ${before.length}, column ${column}: ${what}`, {
    hint: 'Repair the file, or move it away to start with an empty one; it was not changed.',
  })
}
