import { constants, copyFileSync, linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { errorCode, StorageError } from '../base/errors.ts'
import type { Processes } from '../base/processes.ts'

/**
 * Held by this thread. A lock of our process that isn't among these was taken by another of its threads for this one to have;
 * or, where the system doesn't tell when a process started, left by a dead process that had our pid.
 */
const held = new Set<string>()

/** A lock that says who holds `path`: a file beside it with the owner's pid and, on Linux, when that process started. */
export class FileLock {
  readonly #path: string
  readonly #content: string

  private constructor(path: string, content: string) {
    this.#path = path
    this.#content = content
  }

  /**
   * Takes the lock, also from a dead owner and from another thread of this process. `option` is what names another file on the command line.
   * @throws {StorageError} IN_USE with the owner's pid; system errors as they come.
   */
  static take(path: string, processes: Processes, option: string): FileLock {
    const lockPath = `${path}.lock`
    const content = `${processes.pid} ${startOf(processes.pid)}\n`
    // Written apart and then linked, so that nobody ever reads half a lock.
    const own = `${lockPath}.${processes.pid}`
    try {
      writeFileSync(own, content)
      if (!tryLink(own, lockPath) && !takeOver(lockPath, own, processes)) throw inUse(path, read(lockPath), option)
    } finally {
      rmSync(own, { force: true })
    }
    held.add(lockPath)
    return new FileLock(lockPath, content)
  }

  /** Gives the lock back, unless somebody removed it by hand and another took it. */
  release(): void {
    held.delete(this.#path)
    if (read(this.#path) === this.#content) rmSync(this.#path, { force: true })
  }
}

/** Under a second lock, so that of two servers that find a dead owner's lock only one takes it over. */
function takeOver(lockPath: string, own: string, processes: Processes): boolean {
  const guard = `${lockPath}.takeover`
  if (isHeld(lockPath, read(lockPath), processes)) return false
  forgetOld(guard, own)
  if (!tryLink(own, guard)) return false
  try {
    if (isHeld(lockPath, read(lockPath), processes)) return false
    renameSync(own, lockPath)
    return true
  } finally {
    rmSync(guard, { force: true })
  }
}

function isHeld(lockPath: string, content: string | undefined, processes: Processes): boolean {
  if (content === undefined) return false
  const [pid = 0, started] = content.trim().split(' ').map(Number)
  if (!Number.isInteger(pid) || pid <= 0) return false
  const now = startOf(pid)
  if (started !== 0 && now !== 0 && started !== now) return false
  return pid === processes.pid ? held.has(lockPath) : processes.isAlive(pid)
}

/**
 * Taking over lasts microseconds; a guard ten seconds old was left by a process that died in them. The file we just
 * wrote tells what time it is to this file system.
 */
function forgetOld(guard: string, own: string): void {
  const made = statSync(guard, { throwIfNoEntry: false })?.mtimeMs
  if (made !== undefined && statSync(own).mtimeMs - made > 10_000) rmSync(guard, { force: true })
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errorCode(error))) throw error
  }
  return tryCopy(from, to)
}

/** For file systems without hard links (exFAT). */
function tryCopy(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Clock ticks from boot to the start of a process (proc(5), field 22), so that a reused pid is recognised; 0 elsewhere. */
function startOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0)
  } catch {
    return 0
  }
}

function inUse(path: string, owner: string | undefined, option: string): StorageError {
  const pid = owner?.split(' ')[0]
  return new StorageError('IN_USE', `${path} is in use by another server${pid ? ` (process ${pid})` : ''}`, {
    hint: `Stop that server, or give this one a file of its own with ${option}.`,
  })
}
