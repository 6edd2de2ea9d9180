import { type Clock, pause } from '../base/clock.ts'
import { sourceKey } from '../net/ip.ts'
import { nameKey } from '../text/names.ts'
import { accountLimits } from './limits.ts'

/** How failures turn into waiting. */
export interface ThrottleRule {
  /** Failures without a wait: people mistype. */
  readonly free: number
  /** The wait after one more; it doubles with each. */
  readonly firstMs: number
  /** The longest wait: whoever knows the password gets in after it, whatever others try. */
  readonly maxMs: number
  /** One failure is forgotten after each such span. */
  readonly forgetMs: number
}

interface FailureRecord {
  failures: number
  /** Monotonic; failures count from here. */
  since: number
  /** Monotonic; before it nothing is tried. */
  until: number
}

/**
 * Remembers failed attempts by key, and how long each key has to wait. A wait is never extended by attempts made during
 * it and never longer than the rule's maximum, so nobody is locked out for good. The keys that were silent longest are
 * forgotten first.
 */
export class Throttle {
  readonly #rule: ThrottleRule
  readonly #clock: Clock
  readonly #maxEntries: number
  readonly #entries = new Map<string, FailureRecord>()

  constructor(rule: ThrottleRule, clock: Clock, maxEntries: number = accountLimits.throttleEntries) {
    this.#rule = rule
    this.#clock = clock
    this.#maxEntries = maxEntries
  }

  get size(): number {
    return this.#entries.size
  }

  /** Milliseconds until `key` may try again; 0 is now. */
  waitMs(key: string): number {
    const entry = this.#entries.get(key)
    return entry === undefined ? 0 : Math.max(0, Math.ceil(entry.until - this.#clock.monotonic()))
  }

  failed(key: string): void {
    const now = this.#clock.monotonic()
    const old = this.#entries.get(key)
    const failures = (old === undefined ? 0 : this.#remembered(old, now)) + 1
    const excess = failures - this.#rule.free
    const wait = excess <= 0 ? 0 : Math.min(this.#rule.maxMs, this.#rule.firstMs * 2 ** (excess - 1))
    // Deleted and set again, so that the map is in the order of the last failure.
    this.#entries.delete(key)
    this.#entries.set(key, { failures, since: now, until: now + wait })
    if (this.#entries.size <= this.#maxEntries) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  succeeded(key: string): void {
    this.#entries.delete(key)
  }

  #remembered(entry: FailureRecord, now: number): number {
    // More failures than these do not lengthen the wait, so they need not be remembered either.
    const enough = this.#rule.free + Math.ceil(Math.log2(this.#rule.maxMs / this.#rule.firstMs)) + 1
    return Math.max(0, Math.min(entry.failures, enough) - Math.floor((now - entry.since) / this.#rule.forgetMs))
  }
}

/**
 * Limits how fast passwords can be guessed. A source with many failures is refused for a while. An account with many failures
 * is never refused, only served later: otherwise a stranger's guesses could keep its owner out for good.
 */
export class LoginThrottle {
  readonly #clock: Clock
  readonly #accounts: Throttle
  readonly #sources: Throttle

  constructor(clock: Clock) {
    this.#clock = clock
    this.#accounts = new Throttle(accountLimits.accountThrottle, clock)
    this.#sources = new Throttle(accountLimits.sourceThrottle, clock)
  }

  /** How long this source has to wait before it may try; 0 is now. */
  refusedMs(address: string): number {
    return this.#sources.waitMs(sourceKey(address))
  }

  /** Waits as long as the account's failures demand; resolves to that time, or to undefined when `signal` was aborted first. */
  async delay(name: string, signal: AbortSignal | undefined): Promise<number | undefined> {
    const waitMs = this.#accounts.waitMs(nameKey(name))
    if (waitMs > 0) await pause(this.#clock, waitMs, signal)
    return signal?.aborted === true ? undefined : waitMs
  }

  failed(name: string, address: string): void {
    this.#accounts.failed(nameKey(name))
    this.sourceFailed(address)
  }

  sourceFailed(address: string): void {
    this.#sources.failed(sourceKey(address))
  }

  /** Forgets the account's failures, not the source's: else the owner of one account could guess at others without end. */
  succeeded(name: string): void {
    this.#accounts.succeeded(nameKey(name))
  }
}
