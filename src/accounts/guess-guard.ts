import { type Clock, pause } from '../base/clock.ts'
import { nameKey } from '../text/names.ts'
import { sourceKey } from './hosts.ts'
import { accountRule, sourceRule, Throttle } from './throttle.ts'

/**
 * Slows guessing down. A source with many failures is refused for a while. An account with many failures is never refused,
 * only served later, since otherwise a stranger's guesses could keep its owner out for good.
 */
export class GuessGuard {
  readonly #clock: Clock
  readonly #accounts: Throttle
  readonly #sources: Throttle

  constructor(clock: Clock) {
    this.#clock = clock
    this.#accounts = new Throttle(accountRule, clock)
    this.#sources = new Throttle(sourceRule, clock)
  }

  /** How long this source has to wait before it may try; 0 is now. */
  refusedMs(address: string): number {
    return this.#sources.waitMs(sourceKey(address))
  }

  /** Waits as long as the account's failures ask; answers how long, or undefined when `signal` came first. */
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

  /** The source keeps its failures: else one good account would buy any number of guesses at others. */
  succeeded(name: string): void {
    this.#accounts.succeeded(nameKey(name))
  }
}
