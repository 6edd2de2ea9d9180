import { type Epoch, Tally } from './epoch.ts'
import { Evidence, type ReadonlyEvidence } from './evidence.ts'
import { Sample } from './trial.ts'

/** How a suspicion ended. */
export type Finding =
  | { readonly kind: 'undecided' }
  /** The ports that are known to answer do answer: fewer of the new ones do, and that is all. */
  | { readonly kind: 'unfounded' }
  /** These hosts answer from open ports and hold back refusals; without them nothing is amiss. */
  | { readonly kind: 'refusals-limited'; readonly hosts: readonly number[] }
  /** Answers are lost on the way. `open`: whether open ports were asked, and if so whether theirs are missing too. */
  | { readonly kind: 'path'; readonly open: 'not-asked' | 'too-few' | 'missing' }

/**
 * Fewer answers came than expected. Before the rate suffers, ports that are known to answer are asked again: silence
 * alone is never taken for loss, and a host whose open ports still answer only limits its RSTs or ICMPs.
 */
export class Suspicion {
  readonly sinceEpoch: number
  readonly sample = new Sample()
  readonly #tallies = new Map<number, Tally>()
  #epochs = 0

  /** Judges by epochs from `sinceEpoch` on: those in which more canaries were sent. */
  constructor(sinceEpoch: number) {
    this.sinceEpoch = sinceEpoch
  }

  add(epoch: Epoch, heard: (host: number) => boolean): void {
    this.#epochs++
    this.sample.add(epoch, heard)
    for (const [host, tally] of epoch.tallies) {
      const sum = this.#tallies.get(host) ?? new Tally()
      sum.of('open-canary')?.add(tally.open)
      sum.of('refusing-canary')?.add(tally.refusing)
      this.#tallies.set(host, sum)
    }
  }

  /** `heard`: whether a host's refusals still count; `limited`: a limit of the path is known, and may explain it all. */
  finding(heard: (host: number) => boolean, isLimited: boolean): Finding {
    const least = isLimited ? 12 : 6
    const limited: number[] = []
    const all = new Evidence()
    const rest = new Evidence()
    const allOpen = new Evidence()
    for (const [host, { open, refusing }] of this.#tallies) {
      all.add(open)
      allOpen.add(open)
      rest.add(open)
      if (!heard(host)) continue
      all.add(refusing)
      if (holdsBack(open, refusing, least)) limited.push(host)
      else rest.add(refusing)
    }
    if (limited.length > 0 && !rest.isShort) return { kind: 'refusals-limited', hosts: limited }
    const enough = all.expected >= ENOUGH || this.#epochs >= PATIENCE_EPOCHS
    if (!enough) return { kind: 'undecided' }
    // Open ports were too few to compare: give them the time to be.
    if (all.isShort && this.#mayYetDiffer(heard)) return { kind: 'undecided' }
    if (all.isShort)
      return { kind: 'path', open: allOpen.isShort ? 'missing' : allOpen.sent < 6 ? 'not-asked' : 'too-few' }
    return { kind: 'unfounded' }
  }

  #mayYetDiffer(heard: (host: number) => boolean): boolean {
    if (this.#epochs >= PATIENCE_EPOCHS) return false
    for (const [host, { open, refusing }] of this.#tallies)
      if (heard(host) && refusing.isShort && open.sent > 0 && open.sent < ENOUGH && open.ratio > 0.8) return true
    return false
  }
}

/** Open ports answer, the others clearly less often. */
function holdsBack(open: ReadonlyEvidence, refusing: ReadonlyEvidence, least: number): boolean {
  if (!refusing.isShort || Math.min(open.sent, refusing.sent) < least || open.ratio < 0.85) return false
  const { ratio } = refusing
  return open.ratio - ratio > 3 * Math.sqrt((ratio * (1 - ratio)) / open.sent + 0.001)
}

const ENOUGH = 16
const PATIENCE_EPOCHS = 12
