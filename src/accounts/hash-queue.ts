import type { Clock } from '../base/clock.ts'
import { accountLimits } from './limits.ts'

/** The work was done, or there was no room for it, or its caller left before its turn. */
export type HashTurn<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'busy'; readonly retryMs: number }
  | { readonly kind: 'left' }

interface QueuedHash {
  start(): void
}

/** Urgent work goes before all other, and has places of its own: a crowd that guesses doesn't keep owners out. */
export interface HashCaller {
  readonly urgent?: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * Lets `width` hashes run at a time and a bounded number wait, in order. Without it every hash would take a thread of
 * libuv's pool and a core, and files and other clients would wait behind them.
 */
export class HashQueue {
  readonly #width: number
  readonly #clock: Clock
  readonly #urgent = new Set<QueuedHash>()
  readonly #others = new Set<QueuedHash>()
  #running = 0
  /** What a hash takes: an exponentially weighted average. */
  #hashMs: number = accountLimits.hashMs

  constructor(width: number, clock: Clock) {
    this.#width = width
    this.#clock = clock
  }

  get waiting(): number {
    return this.#urgent.size + this.#others.size
  }

  get running(): number {
    return this.#running
  }

  /** Runs `work` when its turn comes. Aborting `signal` gives up the place; work that has begun is finished. */
  async run<T>(work: () => Promise<T>, { urgent = false, signal }: HashCaller = {}): Promise<HashTurn<T>> {
    if (signal?.aborted === true) return { kind: 'left' }
    if (this.#running >= this.#width) {
      const waiting = urgent ? this.#urgent : this.#others
      if (waiting.size >= accountLimits.waitingHashes) return { kind: 'busy', retryMs: this.#estimateMs() }
      if (!(await this.#turn(waiting, signal))) return { kind: 'left' }
    } else this.#running++
    const began = this.#clock.monotonic()
    try {
      return { kind: 'done', value: await work() }
    } finally {
      this.#hashMs += (this.#clock.monotonic() - began - this.#hashMs) * accountLimits.hashMsGain
      this.#next()
    }
  }

  /** True when it is our turn (the slot is handed over, already counted), false when the signal came first. */
  #turn(waiting: Set<QueuedHash>, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const leave = () => {
        waiting.delete(place)
        resolve(false)
      }
      const place: QueuedHash = {
        start() {
          signal?.removeEventListener('abort', leave)
          resolve(true)
        },
      }
      waiting.add(place)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  #next(): void {
    const waiting = this.#urgent.size > 0 ? this.#urgent : this.#others
    const [first] = waiting
    if (first === undefined) {
      this.#running--
      return
    }
    waiting.delete(first)
    first.start()
  }

  /** When half of those who wait now will have had their turn: then there is room again, also for others who come back. */
  #estimateMs(): number {
    return Math.max(accountLimits.busyRetryMs, Math.ceil((this.waiting * this.#hashMs) / this.#width / 2))
  }
}

/** How many of `width` hashes may be computed at a time where the process may use so much memory. */
export function affordableHashes(width: number, memoryBytes: number): number {
  const hashBytes = accountLimits.hashParameters.memoryKib * 1_024
  return Math.max(1, Math.min(width, Math.floor((memoryBytes * accountLimits.hashMemoryPart) / hashBytes)))
}
