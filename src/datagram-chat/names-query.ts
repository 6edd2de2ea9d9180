import type { Clock, Timer } from '../base/clock.ts'
import type { Names } from './bodies.ts'
import { datagramLimits } from './limits.ts'
import type { RoundTrip } from './rtt.ts'

interface NamesQueryOptions {
  readonly clock: Clock
  readonly roundTrip: RoundTrip
  /** Asks the relay for names of members whose id is above `after`. */
  readonly ask: (after: number) => void
  /** Undefined when the relay did not answer. */
  readonly done: (names: readonly string[] | undefined) => void
}

/** Asks who is in the room, page by page, each at most five times. */
export class NamesQuery {
  readonly #options: NamesQueryOptions
  readonly #names: string[] = []
  #after = 0
  #timer: Timer | undefined

  constructor(options: NamesQueryOptions) {
    this.#options = options
    this.#ask(1)
  }

  receive(page: Names): void {
    if (page.after !== this.#after) return
    this.#timer?.cancel()
    this.#names.push(...page.names)
    // Ids only grow, so a relay that speaks nonsense cannot keep us asking.
    if (page.next <= this.#after || this.#names.length > datagramLimits.maxMembers) {
      this.#options.done(this.#names)
      return
    }
    this.#after = page.next
    this.#ask(1)
  }

  close(): void {
    this.#timer?.cancel()
  }

  #ask(tries: number): void {
    const { clock, roundTrip, ask, done } = this.#options
    if (tries > datagramLimits.tries) {
      done(undefined)
      return
    }
    ask(this.#after)
    this.#timer = clock.after(roundTrip.timeoutMs(tries), () => this.#ask(tries + 1))
  }
}
