import type { Epoch } from './epoch.ts'
import { DENSE } from './trial.ts'

/** How the path was in each epoch, looked up when a silent port's turn comes again. Twelve bytes an epoch. */
export class LossHistory {
  #sent = new Float32Array(256)
  #lost = new Float32Array(256)
  #rates = new Float32Array(256)

  note(epoch: Epoch, heard: (host: number) => boolean): void {
    if (epoch.index >= this.#sent.length) this.#grow(epoch.index)
    const { sent, missed } = epoch.sum('canaries', heard)
    const fresh = epoch.sum('fresh', heard)
    // Where nearly all ports answer, first attempts say as much as canaries, which are few then.
    const speaks = fresh.expected > fresh.sent * DENSE
    this.#sent[epoch.index] = sent + (speaks ? fresh.expected : 0)
    this.#lost[epoch.index] = missed + (speaks ? fresh.missing : 0)
    this.#rates[epoch.index] = epoch.rate
  }

  /**
   * The chance that a probe sent in `epoch` was lost: what canaries of about that time say, weighed against what is `usual` for its
   * host, and at least what a limit found since (probes per second) would have dropped.
   */
  loss(epoch: number, usual: number, limit: number | undefined): number {
    const rate = this.#rates[epoch] ?? 0
    const dropped = limit === undefined || rate <= limit ? 0 : 1 - limit / rate
    let sent = this.#sent[epoch] ?? 0
    let lost = this.#lost[epoch] ?? 0
    for (let away = 1; away <= NEAR && sent < ENOUGH; away++) {
      sent += (this.#sent[epoch - away] ?? 0) + (this.#sent[epoch + away] ?? 0)
      lost += (this.#lost[epoch - away] ?? 0) + (this.#lost[epoch + away] ?? 0)
    }
    return Math.max(usual, dropped, (lost + PRIOR_WEIGHT * usual) / (sent + PRIOR_WEIGHT))
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
/** Canaries that say enough, and how many epochs before and after one still tell how the path was in it. */
const ENOUGH = 8
const NEAR = 4
