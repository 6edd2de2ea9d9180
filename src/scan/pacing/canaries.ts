import { type Epoch, isRepeated, type Purpose } from './epoch.ts'
import type { HostTrack } from './host-track.ts'
import type { Probe } from './probe.ts'
import { Random } from './random.ts'
import type { RateControl } from './rate-control.ts'
import { DENSE } from './trial.ts'

interface Asked {
  readonly track: HostTrack
  readonly port: number
  readonly purpose: Purpose
}

/**
 * Chooses when a port that is known to answer is asked again, and which: the measure of the path. The moment is drawn
 * by lot: at a fixed place in each burst of probes a limiter would always let it pass, or never.
 */
export class Canaries {
  readonly #random = new Random(2)
  /** The last host that was sent to and has canaries: the best witness for what is being sent now. */
  #witness: HostTrack | undefined
  #drawn = false

  /** Counts what was sent. */
  sent({ track, purpose, epoch }: Probe, control: RateControl): void {
    if (isRepeated(purpose)) {
      this.#drawn = false
      return
    }
    if (track.presence === 'here' && track.hasCanaries) this.#witness = track
    const speaksForItself =
      purpose === 'fresh' && control.silences.counts(track.number) && (track.answerShare ?? 0) > DENSE
    this.#drawn = this.#random.below(interval(epoch, control, speaksForItself)) === 0
  }

  known(track: HostTrack, port: number, is: 'open' | 'refused'): void {
    const set = is === 'open' ? track.open : track.refusing
    set.add(port, this.#random)
    this.#witness ??= track
  }

  /** The canary whose turn it is, if it is one's turn. */
  next(control: RateControl): Asked | undefined {
    const track = this.#witness
    if (track?.presence !== 'here' || !this.#drawn) return undefined
    const { open, refusing } = track
    const refusalsCount = refusing.size > 0 && control.silences.counts(track.number)
    const askOpen = open.size > 0 && (!refusalsCount || this.#random.below(2) === 0)
    const port = askOpen ? open.pick(this.#random) : refusalsCount ? refusing.pick(this.#random) : undefined
    return port === undefined ? undefined : { track, port, purpose: askOpen ? 'open-canary' : 'refusing-canary' }
  }

  settled(probe: Probe, answered: boolean, control: RateControl): void {
    const { track, port, purpose } = probe
    const isOpen = purpose === 'open-canary'
    const othersAnswer = probe.epoch.sum('canaries', () => true).ratio > 0.7 && !control.isAsking
    const set = isOpen ? track.open : track.refusing
    set.heard(port, answered, othersAnswer)
  }
}

/**
 * Other probes to a canary: few when a question is open, some while little is known or a limit is near, else a hundred.
 * `dense`: nearly every port of the host answers, so that first attempts tell what canaries would, and cost nothing.
 */
function interval(epoch: Epoch, { isAsking, isDoubtful, limit, rate }: RateControl, dense: boolean): number {
  if (isAsking) return 5
  if (dense && !isDoubtful) return 100
  if (epoch.canaries === 0 || rate < SLOW) return 8
  return epoch.expected < 8 || limit !== undefined ? 20 : 100
}

/** Probes per second below which a twentieth would say too little. */
const SLOW = 500
