import type { Epoch } from './epoch.ts'

/** How the path was in each epoch, looked up when a silent port's turn comes again. Twelve bytes an epoch. */
export class LossHistory {
  #sent = new Float32Array(256)
  #lost = new Float32Array(256)
  #rates = new Float32Array(256)

  note(epoch: Epoch, heard: (host: number) => boolean): void {
    if (epoch.index >= this.#sent.length) this.#grow(epoch.index)
    const canaries = epoch.sum('canaries', heard)
    this.#sent[epoch.index] = canaries.sent
    this.#lost[epoch.index] = canaries.missed
    this.#rates[epoch.index] = epoch.rate
  }

  /**
   * The chance that a probe sent in `epoch` was lost: what its canaries say, weighed against what is `usual` for its
   * host, and at least what a limit found since (probes per second) would have dropped.
   */
  loss(epoch: number, usual: number, limit: number | undefined): number {
    const rate = this.#rates[epoch] ?? 0
    const dropped = limit === undefined || rate <= limit ? 0 : 1 - limit / rate
    const then = ((this.#lost[epoch] ?? 0) + PRIOR_WEIGHT * usual) / ((this.#sent[epoch] ?? 0) + PRIOR_WEIGHT)
    return Math.max(usual, dropped, then)
  }

  #grow(index: number): void {
    const length = Math.max(index + 1, this.#sent.length * 2)
    const grown = (from: Float32Array): Float32Array<ArrayBuffer> => {
      const to = new Float32Array(length)
      to.set(from)
      return to
    }
    this.#sent = grown(this.#sent)
    this.#lost = grown(this.#lost)
    this.#rates = grown(this.#rates)
  }
}

/** How many canaries the usual loss is worth against an epoch's own. */
const PRIOR_WEIGHT = 4
