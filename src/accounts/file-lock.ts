import { rmSync } from 'node:fs'
import { StorageError } from '../base/errors.ts'
import type { Processes } from '../base/processes.ts'
import { lockText, readLock, takeLockFile } from './lock-file.ts'

/**
 * Held by this thread. A lock of our process that isn't among these was taken by another of its threads for this one to have;
 * or, where the system doesn't tell when a process started, left by a dead process that had our pid.
 */
const held = new Set<string>()

/** A lock that says who holds `path`: a file beside it with the owner's pid and, on Linux, when that process started. */
export class FileLock {
  readonly #path: string
  readonly #text: string

  private constructor(path: string, text: string) {
    this.#path = path
    this.#text = text
  }

  /**
   * Takes the lock, also from a dead owner and from another thread of this process. `option` is what names another file on
   * the command line.
   * @throws {StorageError} IN_USE with the owner's pid; system errors as they come.
   */
  static take(path: string, processes: Processes, option: string): FileLock {
    const lockPath = `${path}.lock`
    const text = lockText(processes.pid)
    if (held.has(lockPath) || readLock(lockPath) !== text) {
      const owner = takeLockFile(lockPath, text, processes)
      if (owner !== undefined) throw inUse(path, owner, option)
    }
    held.add(lockPath)
    return new FileLock(lockPath, text)
  }

  /** Gives the lock back, unless somebody removed it by hand and another took it. */
  release(): void {
    held.delete(this.#path)
    if (readLock(this.#path) === this.#text) rmSync(this.#path, { force: true })
  }
}

function inUse(path: string, owner: string, option: string): StorageError {
  const pid = owner.split(' ')[0]
  return new StorageError('IN_USE', `${path} is in use by another server${pid ? ` (process ${pid})` : ''}`, {
    hint: `Stop that server, or give this one a file of its own with ${option}.`,
  })
}
