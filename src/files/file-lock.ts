import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { getBuiltinModule, pid } from 'node:process'
import type { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { errorCode, StorageError } from '../base/errors.ts'
import { fileLimits } from './limits.ts'
import { behindLinks, linkFile, writeBeside } from './replace-file.ts'
import { isTrusted } from './secret-file.ts'

/*
 * The one lock protocol for files that several processes use. A lock on FILE is a write transaction that SQLite has begun on
 * an empty database, FILE.lock, and that never writes anything. SQLite holds it as a byte-range lock of the system (fcntl,
 * LockFileEx), and so
 * - the kernel drops it with the process, however that ends: nothing is left that could be taken for a living owner;
 * - it holds between containers that share a folder but neither process ids nor clocks;
 * - two threads of one process exclude each other, too, because SQLite keeps a table of its locks for the whole process;
 * - the lock file, always empty, can't be damaged.
 * The system drops such a lock when *any* descriptor of its file is closed in the process (fcntl(2)): nothing but SQLite may
 * open a lock file that is in its place. The holder removes the file before it gives up the lock; who gets a lock on a file
 * that is not in its place any more tries again. Systems soon give the inode number of a removed file to another one, so a
 * lock file is known by that and by a time of modification that its maker chooses at random.
 */

/** Held until it is released, or the process ends. */
export interface FileLock {
  release(): void
}

/** Takes the lock of a file, at once; undefined when somebody else has it. @throws {StorageError}, or the system's error. */
export function tryFileLock(path: string): FileLock | undefined {
  return acquire(path, 0)
}

/**
 * Runs `change`, which reads the file and replaces it, while no other process does: a change waits for the others.
 * @throws {StorageError} BUSY when they take too long, or the lock's error; what `change` throws.
 */
export function withFileLock<T>(path: string, change: () => T): T {
  const lock = acquire(behindLinks(path), fileLimits.lockPolls)
  if (lock === undefined) throw new StorageError('BUSY', `another process keeps ${path} locked`)
  try {
    return change()
  } finally {
    lock.release()
  }
}

/** Files that this thread owns. */
const owned = new Set<string>()

/**
 * Takes the lock of a file for as long as a server runs, and notes beside it, in FILE.owner, who has it. Where another thread
 * of this process has it already, as the main thread that checked the files before the thread that uses them, they share it;
 * the one that took it must release it last. `option` names another file on the command line.
 * @throws {StorageError} IN_USE, with the owner's process and, if that is another one, its host; system errors as they come.
 */
export function ownFile(path: string, option: string): FileLock {
  const target = behindLinks(path)
  const ownerPath = `${target}.owner`
  const lock = tryFileLock(target)
  if (lock === undefined) {
    const owner = readOwner(ownerPath)
    if (owner?.pid !== pid || owner.host !== hostname() || owned.has(target)) throw inUse(path, owner, option)
  } else writeOwner(ownerPath, lock)
  owned.add(target)
  return {
    release() {
      owned.delete(target)
      if (lock === undefined) return
      rmSync(ownerPath, { force: true })
      lock.release()
    },
  }
}

function acquire(path: string, polls: number): FileLock | undefined {
  const lockPath = `${path}.lock`
  for (let poll = 0; ; ) {
    const file = lockFile(lockPath)
    const database = begin(lockPath, file)
    if (database === 'busy') {
      if (++poll > polls) return undefined
      // SQLite's own way to wait sleeps up to 100 ms, and may wait for a file that its holder has removed.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fileLimits.lockPollMs)
    } else if (database !== 'moved') {
      if (isAt(lockPath, file)) return { release: () => release(lockPath, file, database) }
      database.close()
    }
  }
}

function release(lockPath: string, file: BigIntStats, database: DatabaseSync): void {
  if (!database.isOpen) return
  try {
    // If it was removed by hand, the one in its place is another's.
    if (isAt(lockPath, file)) rmSync(lockPath)
  } catch {
    // Windows doesn't remove a file that is open, nor any system one in a folder that became read-only; empty, it may stay.
  }
  database.close()
}

/** The lock file; made where there is none. Not followed when it is a link, which might lead to anybody's file. */
function lockFile(lockPath: string): BigIntStats {
  const there = lstatSync(lockPath, { bigint: true, throwIfNoEntry: false })
  if (there === undefined) {
    // Made complete and closed apart from its place: closing it there could drop the lock of another thread.
    writeBeside(lockPath, '', 0o600, createLockFile, false)
    return lockFile(lockPath)
  }
  // What another user made there is either the lock of a server of theirs, or a trap; theirs can only be opened by root.
  if (there.isFile() && isTrusted(there)) return there
  if (there.isFile()) throw locked(`the lock ${lockPath} belongs to another user (uid ${there.uid})`, undefined)
  throw new StorageError('EINVAL', `${lockPath} is not a regular file`, { hint: 'Remove it.' })
}

function createLockFile(temporary: string, lockPath: string): void {
  try {
    const madeMs = statSync(temporary).mtimeMs
    // Not so old that it looks abandoned.
    utimesSync(temporary, madeMs / 1000, (madeMs - (Math.random() * fileLimits.abandonedMs) / 2) / 1000)
    if (linkFile(temporary, lockPath) === 'impossible') closeSync(openSync(lockPath, 'wx', 0o600))
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** SQLite's primary result codes. */
const [sqliteBusy, sqliteCantOpen, sqliteNotADatabase] = [5, 14, 26]

/** `moved`: the file was removed or replaced before it was open. */
function begin(lockPath: string, file: BigIntStats): DatabaseSync | 'busy' | 'moved' {
  // Loaded with the first lock, since it takes some milliseconds that most starts can do without.
  const { DatabaseSync } = getBuiltinModule('node:sqlite')
  const url = pathToFileURL(lockPath)
  // SQLite would make the file with the mode that the umask leaves.
  url.search = 'mode=rw'
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(url, { timeout: 0 })
    // A journal in a file would appear beside the lock as soon as the transaction begins.
    database.exec('PRAGMA journal_mode=MEMORY; BEGIN IMMEDIATE')
    return database
  } catch (error) {
    if (database?.isOpen) database.close()
    const code = sqliteCode(error)
    if (code === sqliteBusy) return 'busy'
    if (!isAt(lockPath, file)) return 'moved'
    // Most likely of another user, who may be running a server, or was when it was killed.
    if (code === sqliteCantOpen) throw locked(`the lock ${lockPath} can't be opened`, error)
    if (code === sqliteNotADatabase) throw locked(`${lockPath} is no lock of this version of netlab`, error)
    throw error
  }
}

function locked(sentence: string, cause: unknown): StorageError {
  return new StorageError('IN_USE', sentence, { cause, hint: 'Make sure that no server uses it, and remove it.' })
}

function sqliteCode(error: unknown): number {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) : 0
  // The upper bits say more about it.
  return code & 0xff
}

function isAt(path: string, { dev, ino, mtimeNs }: BigIntStats): boolean {
  const there = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return there?.dev === dev && there.ino === ino && there.mtimeNs === mtimeNs
}

interface LockOwner {
  readonly pid: number
  readonly host: string
}

/** Renamed into its place, so that nobody reads half of it, and a link that stands there is replaced, not followed. */
function writeOwner(ownerPath: string, lock: FileLock): void {
  try {
    writeBeside(ownerPath, `${pid} ${hostname()}\n`, 0o600, renameSync, false)
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Undefined where it is not to be had: the owner has only just taken the lock, or is another user. */
function readOwner(ownerPath: string): LockOwner | undefined {
  try {
    // Whatever lies there: not through a link, and not waiting for the writer of a pipe. (Windows has neither flag.)
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
    const file = openSync(ownerPath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try {
      const bytes = Buffer.alloc(fileLimits.ownerBytes)
      const text = bytes.toString('utf8', 0, readSync(file, bytes))
      const [, owner, host = ''] = /^(\d{1,10}) ([\w.-]{0,255})\n$/.exec(text) ?? []
      return owner === undefined ? undefined : { pid: Number(owner), host }
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
}

function inUse(path: string, owner: LockOwner | undefined, option: string): StorageError {
  const where = owner === undefined || owner.host === hostname() ? '' : ` on ${owner.host}`
  const who = owner === undefined ? '' : ` (process ${owner.pid}${where})`
  return new StorageError('IN_USE', `${path} is in use by another server${who}`, {
    hint: `Stop that server, or give this one a file of its own with ${option}.`,
  })
}
