/** Hosts whose silence means something of its own, by their numbers. */
export class Silences {
  readonly #limiting = new Set<number>()
  readonly #deaf = new Set<number>()

  /** Hosts whose open ports answer while their refusals go missing: they limit RSTs or ICMPs, and the path is free. */
  get limiting(): ReadonlySet<number> {
    return this.#limiting
  }

  /** Hosts that answered and then stopped altogether: what was asked since proves nothing. */
  get deaf(): ReadonlySet<number> {
    return this.#deaf
  }

  /** Whether what the host refuses, or does not, still counts. */
  readonly counts = (host: number): boolean => !this.#limiting.has(host)

  found(silence: 'limiting' | 'deaf', hosts: Iterable<number>): void {
    const silent = silence === 'deaf' ? this.#deaf : this.#limiting
    for (const host of hosts) silent.add(host)
  }

  /** A host answered, so that it is not deaf. */
  heard(host: number): void {
    this.#deaf.delete(host)
  }
}
