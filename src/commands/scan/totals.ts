import type { ScanSummary } from '../../scan/types.ts'

/** What several runs of the scanner, making up one scan, came to together. */
export class Totals {
  #complete = true
  readonly #notes = new Set<string>()
  engine: 'net' | 'libc' = 'net'
  threads = 0
  probes = 0
  retries = 0

  add(summary: ScanSummary): void {
    this.#complete &&= summary.complete
    for (const note of summary.notes) this.#notes.add(note)
    this.engine = summary.engine
    this.threads = Math.max(this.threads, summary.threads)
    this.probes += summary.probes
    this.retries += summary.retries
  }

  /** Forgets what was incomplete: it is asked again. */
  again(): void {
    this.#complete = true
    this.#notes.clear()
  }

  get complete(): boolean {
    return this.#complete
  }

  get notes(): readonly string[] {
    return [...this.#notes]
  }
}
