import type { ReadonlyEvidence } from './evidence.ts'
import type { Trial } from './trial.ts'

/** The chance that a probe or its answer is lost whatever the rate. */
export class RandomLoss {
  #chance = 0
  /** Up to this rate, loss was seen to be random. */
  #upToRate = 0

  get chance(): number {
    return this.#chance
  }

  /** From canaries of the latest stretch; what a limiter drops is not random, so that they must have kept to it. */
  learn(canaries: ReadonlyEvidence): void {
    const loss = shareLost(canaries)
    this.#chance += (loss - this.#chance) * (canaries.sent / (canaries.sent + 100))
  }

  /**
   * A trial went as random loss would. False: few canaries have spoken, and it is too heavy to believe at once, where the
   * trial can be repeated.
   */
  concluded({ originRate, fromRate, after }: Trial, canRepeat: boolean): boolean {
    const loss = shareLost(after.canaries)
    if (canRepeat && loss > HEAVY && originRate > this.#upToRate && originRate === fromRate) return false
    this.#upToRate = Math.max(this.#upToRate, originRate * 1.2)
    this.#chance = loss
    return true
  }
}

export function shareLost({ lost, sent }: ReadonlyEvidence): number {
  return Math.min(lost / sent, MOST)
}

/** More than this lost at random is no path that a scan could use. */
const MOST = 0.6
const HEAVY = 0.15
