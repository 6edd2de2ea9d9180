export type ReadonlyEvidence = Omit<Evidence, 'count' | 'arrived' | 'cameLate' | 'add'>

/**
 * How many answers were to be expected and how many came: what a stretch of the scan says about the path. Each probe
 * adds its own chance of being answered, so that ports known to answer weigh more than ports of which some do.
 */
export class Evidence {
  #sent = 0
  #expected = 0
  #variance = 0
  #answered = 0
  #late = 0

  get expected(): number {
    return this.#expected
  }

  get sent(): number {
    return this.#sent
  }

  get variance(): number {
    return this.#variance
  }

  get answered(): number {
    return this.#answered
  }

  get lost(): number {
    return Math.max(0, this.#sent - this.#answered)
  }

  /** Lost, or answered later than a first attempt at a port would have waited. */
  get missed(): number {
    return Math.min(this.#sent, this.lost + this.#late)
  }

  get missing(): number {
    return Math.max(0, this.#expected - this.#answered)
  }

  count(chance: number): void {
    this.#sent++
    this.#expected += chance
    this.#variance += chance * (1 - chance)
  }

  arrived(): void {
    this.#answered++
  }

  /** Of those that arrived. */
  cameLate(): void {
    this.#late++
  }

  /** `passed`: the share that a known limit let through, so that no more was to be expected. */
  add(other: ReadonlyEvidence, passed = 1): void {
    this.#sent += other.sent
    this.#expected += other.expected * passed
    this.#variance += passed * (other.variance + other.expected * (1 - passed))
    this.#answered += other.answered
    this.#late += other.missed - other.lost
  }

  /** The share of the expected answers that came; 1 while nothing was expected. */
  get ratio(): number {
    return this.#expected === 0 ? 1 : Math.min(1, this.#answered / this.#expected)
  }

  /** More are missing than is to be borne (an eighth) or chance explains (three standard deviations). */
  get isShort(): boolean {
    // The one makes a single lost probe unremarkable, however certain its answer was.
    return this.missing > this.#expected / 8 && this.missing > 3 * Math.sqrt(this.#variance + 1)
  }
}
