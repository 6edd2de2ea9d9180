import { statSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { errorCode, errorMessage, reasonOf, StorageError } from '../base/errors.ts'
import { type FileLock, ownFile } from '../files/file-lock.ts'
import { behindLinks, replaceFile } from '../files/replace-file.ts'
import { readSecretFile } from '../files/secret-file.ts'
import type { LookAlikes } from '../text/look-alikes.ts'
import type { NameTaken } from './accounts.ts'
import { accountLimits } from './limits.ts'
import {
  type BanRecord,
  formatUsers,
  type HostRecord,
  newAccountId,
  parseUsers,
  UserBook,
  type UserRecord,
} from './users-file.ts'

/** A change was kept, or why it was not; nothing changes unless the kind says so. */
export type Identified =
  | { readonly kind: 'identified'; readonly record: HostRecord; readonly isNew: boolean }
  | NameTaken
  | { readonly kind: 'full' }

export type Renamed<R> = { readonly kind: 'renamed'; readonly record: R } | NameTaken | { readonly kind: 'unknown' }

export type Registered =
  | { readonly kind: 'registered'; readonly record: UserRecord }
  | NameTaken
  | { readonly kind: 'full' }

/**
 * Identified hosts and registered users. What has been answered is durable. Methods reject with StorageError when the
 * change could not be kept; then nothing has changed.
 */
export interface UserStore {
  /** `key` as `hostKey` writes it. */
  host(key: string): HostRecord | undefined
  user(name: string): UserRecord | undefined
  /** Gives a host its name. Of two first visits at once the first one wins, and both get its record. */
  identify(key: string, name: string): Promise<Identified>
  register(name: string, hash: string): Promise<Registered>
  /** The account that has this id. */
  account(id: string): UserRecord | undefined
  /** The host that gave this name. */
  hostNamed(name: string): HostRecord | undefined
  hosts(): readonly HostRecord[]
  users(): readonly UserRecord[]
  bans(): readonly BanRecord[]
  /**
   * Replaces a password's hash if it still is `oldHash`; false when it was not.
   * @param oneTime whether the new one must be replaced at the next login; without it that stays as it is
   */
  changeHash(name: string, oldHash: string, newHash: string, oneTime?: boolean): Promise<boolean>
  /** The account keeps its id. A new name that looks like one that somebody else has is taken. */
  renameUser(old: string, name: string): Promise<Renamed<UserRecord>>
  renameHost(old: string, name: string): Promise<Renamed<HostRecord>>
  /** Forgets an account, with its ban; undefined when there is none of that name. */
  removeUser(name: string): Promise<UserRecord | undefined>
  /** `key` as `hostKey` writes it. */
  removeHost(key: string): Promise<HostRecord | undefined>
  /** Puts what `change` makes of the bans in their place. */
  changeBans(change: (bans: readonly BanRecord[]) => readonly BanRecord[]): Promise<void>
  /** Empties the store, but for the bans of addresses; what was in it is kept beside it, in `….bak`. Answers how many hosts and users there were. */
  clear(): Promise<number>
  /** Waits for what is under way, and lets go of the file. */
  close(): Promise<void>
}

/** Replaces whole files; tests put a full or broken disk in its place. */
export interface Disk {
  /** Resolves once the new content would survive a power cut. When it rejects, the old content is still there. */
  replace(path: string, text: Iterable<string>): Promise<void>
}

/** Hashes of passwords are nobody else's business. */
const realDisk: Disk = { replace: (path, text) => replaceFile(path, text, 0o600) }

export interface UsersFile {
  readonly path: string
  readonly clock: Clock
  readonly disk?: Disk
}

/** A change waiting for the next rewrite. */
interface Change {
  /** Changes `book` and answers what the caller is told once `book` is on disk. */
  apply(book: UserBook, looks: Looks): unknown
  /** What the book was before is kept. */
  readonly backup: boolean
  resolve(answer: unknown): void
  reject(error: unknown): void
}

/** What the names of all hosts and of all users look like. */
interface Looks {
  readonly hosts: LookAlikes
  readonly users: LookAlikes
}

/**
 * users.json: read once, kept in memory, rewritten whole. Changes that arrive during a rewrite share the next one, so a
 * busy disk makes batches larger, not the queue.
 */
export class FileUserStore implements UserStore {
  readonly #file: UsersFile
  readonly #path: string
  readonly #disk: Disk
  #lock: FileLock | undefined
  #book: UserBook
  /** Of the names in the book and those that are being added; made with the first change. */
  #looks: Looks | undefined
  #waiting: Change[] = []
  #writing: Promise<void> | undefined

  /**
   * A missing file is an empty store. In a folder that can't be written the store can still be read.
   * @throws {StorageError} DAMAGED, IN_USE, or the system's code.
   */
  constructor(file: UsersFile) {
    this.#file = file
    this.#disk = file.disk ?? realDisk
    this.#path = behindLinks(file.path)
    this.#lock = takeLock(file)
    this.#book = locked(this.#lock, file, () => readBook(file))
  }

  host(key: string): HostRecord | undefined {
    return this.#book.host(key)
  }

  user(name: string): UserRecord | undefined {
    return this.#book.user(name)
  }

  account(id: string): UserRecord | undefined {
    return this.#book.account(id)
  }

  hostNamed(name: string): HostRecord | undefined {
    return this.#book.hostNamed(name)
  }

  hosts(): readonly HostRecord[] {
    return this.#book.hosts()
  }

  users(): readonly UserRecord[] {
    return this.#book.users()
  }

  bans(): readonly BanRecord[] {
    return this.#book.bans
  }

  identify(key: string, name: string): Promise<Identified> {
    return this.#change((book, looks) => {
      const known = book.host(key)
      if (known !== undefined) return { kind: 'identified', record: known, isNew: false }
      if (book.hasHostName(name)) return { kind: 'taken' }
      if (looks.hosts.has(name)) return { kind: 'taken', alike: true }
      if (book.hostCount >= accountLimits.accounts) return { kind: 'full' }
      const record = { address: key, name, since: this.#today() }
      book.addHost(record)
      looks.hosts.add(name)
      return { kind: 'identified', record, isNew: true }
    })
  }

  register(name: string, hash: string): Promise<Registered> {
    return this.#change((book, looks) => {
      if (book.user(name) !== undefined) return { kind: 'taken' }
      if (looks.users.has(name)) return { kind: 'taken', alike: true }
      if (book.userCount >= accountLimits.accounts) return { kind: 'full' }
      const record = { name, hash, since: this.#today(), id: newAccountId() }
      book.setUser(record)
      looks.users.add(name)
      return { kind: 'registered', record }
    })
  }

  changeHash(name: string, oldHash: string, newHash: string, oneTime?: boolean): Promise<boolean> {
    return this.#change((book) => {
      const record = book.user(name)
      if (record?.hash !== oldHash) return false
      const { oneTime: before, ...kept } = record
      book.setUser({ ...kept, hash: newHash, ...((oneTime ?? before) === true && { oneTime: true }) })
      return true
    })
  }

  renameUser(old: string, name: string): Promise<Renamed<UserRecord>> {
    return this.#change((book, { users }) => {
      const record = book.user(old)
      if (record === undefined) return { kind: 'unknown' }
      const holder = book.user(name)
      if (holder !== undefined && holder.id !== record.id) return { kind: 'taken' }
      if (!moves(users, record.name, name)) return { kind: 'taken', alike: true }
      const renamed = { ...record, name }
      book.removeUser(old)
      book.setUser(renamed)
      book.bans = book.bans.map((ban) => (ban.account === record.id ? { ...ban, name } : ban))
      return { kind: 'renamed', record: renamed }
    })
  }

  renameHost(old: string, name: string): Promise<Renamed<HostRecord>> {
    return this.#change((book, { hosts }) => {
      const record = book.hostNamed(old)
      if (record === undefined) return { kind: 'unknown' }
      const holder = book.hostNamed(name)
      if (holder !== undefined && holder.address !== record.address) return { kind: 'taken' }
      if (!moves(hosts, record.name, name)) return { kind: 'taken', alike: true }
      const renamed = { ...record, name }
      book.removeHost(record.address)
      book.addHost(renamed)
      return { kind: 'renamed', record: renamed }
    })
  }

  removeUser(name: string): Promise<UserRecord | undefined> {
    return this.#change((book) => {
      const record = book.user(name)
      if (record === undefined) return undefined
      book.removeUser(name)
      book.bans = book.bans.filter(({ account }) => account !== record.id)
      this.#looks = undefined
      return record
    })
  }

  removeHost(key: string): Promise<HostRecord | undefined> {
    return this.#change((book) => {
      const record = book.host(key)
      book.removeHost(key)
      this.#looks = undefined
      return record
    })
  }

  changeBans(change: (bans: readonly BanRecord[]) => readonly BanRecord[]): Promise<void> {
    return this.#change((book) => {
      book.bans = change(book.bans)
    })
  }

  clear(): Promise<number> {
    return this.#change((book) => {
      const count = book.hostCount + book.userCount
      book.clear()
      this.#looks = undefined
      return count
    }, true)
  }

  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
    this.#lock?.release()
    this.#lock = undefined
  }

  #today(): string {
    return new Date(this.#file.clock.now()).toISOString()
  }

  #change<T>(apply: (book: UserBook, looks: Looks) => T, backup = false): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiting.push({ apply, backup, resolve: (answer) => resolve(answer as T), reject })
    this.#writing ??= this.#write()
    return promise
  }

  async #write(): Promise<void> {
    // Everything that this turn of the event loop still brings shares the rewrite.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        const book = new UserBook(this.#book)
        const answers: unknown[] = []
        for (const change of batch) {
          this.#looks ??= await looksOf(book)
          if (change.backup && book.hostCount + book.userCount > 0)
            await this.#disk.replace(`${this.#path}.bak`, formatUsers(book))
          answers.push(change.apply(book, this.#looks))
        }
        this.#lock ??= ownFile(this.#path, '--users')
        if (book.changed) await this.#disk.replace(this.#path, formatUsers(book))
        this.#book = book
        for (const [index, change] of batch.entries()) change.resolve(answers[index])
      } catch (error) {
        // It has names that were not kept.
        this.#looks = undefined
        const reason = explain(this.#file.path, error)
        for (const change of batch) change.reject(reason)
      }
    }
    this.#writing = undefined
  }
}

/** One name takes the place of another, unless it looks like a third. Returns whether it does. */
function moves(looks: LookAlikes, old: string, name: string): boolean {
  looks.remove(old)
  const free = !looks.has(name)
  looks.add(free ? name : old)
  return free
}

/** Loaded with the first change, since it brings a table of 100 KB; made in portions that hold nobody up. */
async function looksOf(book: UserBook): Promise<Looks> {
  const { LookAlikes } = await import('../text/look-alikes.ts')
  const looks = { hosts: new LookAlikes(), users: new LookAlikes() }
  let count = 0
  for (const [kind, names] of [['hosts', book.hostNames()] as const, ['users', book.userNames()] as const]) {
    for (const name of names) {
      looks[kind].add(name)
      if (++count % accountLimits.usersPortionCount === 0) await nextTurn()
    }
  }
  return looks
}

/**
 * Takes the lock for the store that another thread will make of the file, and reads the file, too: if it is so large that to
 * read it twice would cost more than to wait for that thread, it is left unread. @throws {StorageError} as the store does
 */
export function preflightUsers(file: UsersFile): { readonly lock: FileLock | undefined; readonly complete: boolean } {
  const lock = takeLock(file)
  return locked(lock, file, () => {
    const complete = (statSync(file.path, { throwIfNoEntry: false })?.size ?? 0) <= accountLimits.usersReadTwiceBytes
    if (complete) readBook(file)
    return { lock, complete }
  })
}

/** One lock for one file, whatever leads to it. Where none can be made, nobody can write; a later change tries again. */
function takeLock({ path }: UsersFile): FileLock | undefined {
  try {
    return ownFile(path, '--users')
  } catch (error) {
    if (['EACCES', 'EROFS', 'EPERM', 'ENOSPC', 'EDQUOT'].includes(errorCode(error))) return undefined
    throw explain(path, error)
  }
}

/** Gives the lock back when `use` fails. */
function locked<T>(lock: FileLock | undefined, { path }: UsersFile, use: () => T): T {
  try {
    return use()
  } catch (error) {
    lock?.release()
    throw explain(path, error)
  }
}

function readBook({ path }: UsersFile): UserBook {
  return parseUsers(readText(path), path)
}

function readText(path: string): string {
  try {
    return readSecretFile(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [...formatUsers(new UserBook())].join('')
    throw error
  }
}

const steps: Readonly<Record<string, string>> = {
  EISDIR: 'A file is needed there, not a folder; name one with --users.',
  ENOENT: 'Make the folder first, or name another file with --users.',
  ENOTDIR: 'Name another file with --users.',
  ENOSPC: 'The disk is full; make room.',
  EDQUOT: 'The quota is used up; make room.',
  EROFS: 'The file system is read-only; name another file with --users.',
  EACCES: 'The folder and the file must be writable for this user.',
  EPERM: 'The folder and the file must be writable for this user.',
}

function explain(path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error
  const code = errorCode(error)
  const hint = steps[code]
  return new StorageError(
    code,
    `${path} can't be used: ${code === 'UNKNOWN' ? errorMessage(error) : reasonOf(error)}`,
    {
      cause: error,
      ...(hint !== undefined && { hint }),
    },
  )
}
