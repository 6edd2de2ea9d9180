import { closeSync, existsSync, linkSync, openSync, renameSync, statSync, unlinkSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import { errorCode } from '../base/errors.ts'
import { logLimits } from './limits.ts'

/**
 * A lock file beside the log, so that of several processes only one rotates. It is never waited for: who doesn't get it goes
 * on writing to the file as it is, and asks again with the next batch. A lock that has stood for `logLimits.lockMs` while we
 * asked was left behind by a process that died, and is taken over.
 */
export class RotationLock {
  readonly #path: string
  readonly #clock: Clock
  #own: string | undefined
  #suspect: { readonly identity: string; readonly sinceMs: number } | undefined

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /** True when the lock is ours now. Throws system errors other than "exists". */
  acquire(): boolean {
    if (this.#create()) return true
    const identity = identityOf(this.#path)
    if (identity === undefined) return false
    if (this.#suspect?.identity !== identity) {
      this.#suspect = { identity, sinceMs: this.#clock.monotonic() }
      return false
    }
    if (this.#clock.monotonic() - this.#suspect.sinceMs < logLimits.lockMs) return false
    return this.#remove(identity) && this.#create()
  }

  release(): void {
    if (this.#own !== undefined) this.#remove(this.#own)
    this.#own = undefined
  }

  #create(): boolean {
    try {
      closeSync(openSync(this.#path, 'wx', 0o600))
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false
      throw error
    }
    this.#own = identityOf(this.#path)
    this.#suspect = undefined
    return true
  }

  /** Removes the lock that was seen, and no other: it is moved aside first, and put back if it turns out to be a newer one. */
  #remove(identity: string): boolean {
    const aside = `${this.#path}.${identity}`
    try {
      renameSync(this.#path, aside)
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false
      throw error
    }
    const right = identityOf(aside) === identity
    if (!right && !existsSync(this.#path)) linkSync(aside, this.#path)
    unlinkSync(aside)
    return right
  }
}

/** Tells one lock file from the next one of the same name. */
function identityOf(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : `${stat.ino}-${stat.mtimeNs}`
}
