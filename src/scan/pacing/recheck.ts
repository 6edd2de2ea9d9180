import type { Epoch } from './epoch.ts'
import { Evidence } from './evidence.ts'
import type { KnownLimit } from './known-limit.ts'

/**
 * Asks whether a limit that was found still holds: a quarter more is sent, of which a limit drops a fifth. Where it is a
 * queue, that grows by a quarter of the time, and `StandingQueue` notices it.
 */
export class Recheck {
  readonly #canaries = new Evidence()
  /** To be sent meanwhile, per second. */
  readonly rate: number
  readonly #limit: KnownLimit
  readonly #sinceEpoch: number
  readonly #sinceMs: number

  /** Epochs before `sinceEpoch` were sent at the old rate. */
  constructor(limit: KnownLimit, sinceEpoch: number, sinceMs: number) {
    this.rate = (limit.rate ?? 0) * MORE
    this.#limit = limit
    this.#sinceEpoch = sinceEpoch
    this.#sinceMs = sinceMs
  }

  /** Whether the limit holds; undefined while too little was heard. */
  add(epoch: Epoch, heard: (host: number) => boolean): boolean | undefined {
    if (epoch.index < this.#sinceEpoch) return undefined
    this.#canaries.add(epoch.sum('canaries', heard))
    const { sent, answered } = this.#canaries
    if (sent < ENOUGH || (this.#limit.isQueue && epoch.endMs - this.#sinceMs < QUEUE_MS)) return undefined
    const { below } = this.#limit
    const usual = below.sent < ENOUGH / 2 ? 1 : below.answered / below.sent
    return answered / sent < (usual * (1 + 1 / MORE)) / 2
  }
}

/** Canaries: of so many, a fifth that is dropped is noticed. */
const ENOUGH = 40
const MORE = 1.25
/** After so long a queue has grown by more than jitter explains. */
const QUEUE_MS = 1_000
