import { pause } from '../../base/clock.ts'
import { UsageError } from '../../base/errors.ts'
import type { AddressSet } from '../../scan/address-set.ts'
import { AnsweredPorts } from '../../scan/answered-ports.ts'
import { scanLimits } from '../../scan/limits.ts'
import { formatRanges } from '../../scan/ranges.ts'
import { portLine } from '../../scan/report/text.ts'
import { ScanResults, type StateCounts } from '../../scan/results.ts'
import type { ScanIdentity } from '../../scan/resume-file.ts'
import type { scan } from '../../scan/scanner.ts'
import type { PortResult, ScanPace, ScanPart, ScanSummary } from '../../scan/types.ts'
import { grouped } from '../../terminal/format.ts'
import type { ProgressState } from '../../terminal/progress.ts'
import type { CommandContext } from '../command.ts'
import type { ScanOutput } from './output.ts'
import type { JobPlan } from './plan.ts'
import type { ScanView } from './view.ts'

export interface JobServices {
  readonly scan: typeof scan
  readonly context: CommandContext
  /** The process's signal, or the person's `q`. */
  readonly signal: AbortSignal
  readonly view: ScanView
  readonly output: ScanOutput
}

/** What no run of the scanner has added to yet. */
const nothingDone: ScanSummary = {
  complete: true,
  notes: [],
  engine: 'net',
  threads: 0,
  probes: 0,
  retries: 0,
  notScanned: 0,
}

/** One scan as a person sees it, whatever number of runs of the scanner it takes. */
export class ScanJob {
  readonly plan: JobPlan
  readonly addresses: AddressSet
  readonly results: ScanResults
  readonly signal: AbortSignal
  readonly #services: JobServices
  #summary = nothingDone
  #pace: ScanPace = { rate: 0 }
  #identity: ScanIdentity | undefined

  constructor(plan: JobPlan, addresses: AddressSet, services: JobServices) {
    this.plan = plan
    this.addresses = addresses
    this.results = new ScanResults(plan.shown, plan.expected)
    this.signal = services.signal
    this.#services = services
  }

  /** Ports in all. */
  get total(): number {
    return this.addresses.size * this.plan.ports.length
  }

  /** What all runs came to together. */
  get summary(): ScanSummary {
    return this.#summary
  }

  /** What is scanned and kept, as text. */
  get identity(): ScanIdentity {
    const { ports, shown, probing } = this.plan
    this.#identity ??= {
      targets: this.addresses.toString(),
      ports: formatRanges(ports),
      shown: shown.join(','),
      banner: probing.banner === true,
    }
    return this.#identity
  }

  /** Every address with these ports. */
  part(ports = this.plan.ports): ScanPart {
    return { hosts: this.addresses.hosts(), hostCount: this.addresses.size, ports }
  }

  /** Runs the scanner over some hosts and ports; `take` gets every answer, and `record` those that are to count. */
  async run(part: ScanPart, take: (result: PortResult) => void, signal = this.signal): Promise<void> {
    if (signal.aborted) return
    const { scan, context, view } = this.#services
    const { clock, startThread, machine } = context
    const observer = {
      result: take,
      progress: (pace: ScanPace) => {
        this.#pace = pace
        view.progress(this.progress())
      },
      notice: (sentence: string) => view.say(sentence),
    }
    const freeDescriptors = machine.freeDescriptors()
    const summary = await scan(
      { ...part, ...this.plan.probing },
      { clock, startThread, freeDescriptors, signal, observer },
    )
    this.#addSummary(summary)
  }

  #addSummary({ complete, notes, engine, threads, probes, retries, notScanned }: ScanSummary): void {
    const before = this.#summary
    this.#summary = {
      complete: before.complete && complete,
      notes: [...new Set([...before.notes, ...notes])],
      engine,
      threads: Math.max(before.threads, threads),
      probes: before.probes + probes,
      retries: before.retries + retries,
      notScanned: before.notScanned + notScanned,
    }
  }

  /** Forgets that a run was incomplete: what it lacked is probed again, or was found earlier. */
  forgetIncomplete(): void {
    this.#summary = { ...this.#summary, complete: true, notes: [], notScanned: 0 }
  }

  /** A final answer: counted, listed, written and said. */
  record(result: PortResult): void {
    this.results.add(result)
    const { output, view } = this.#services
    if (this.results.isShown(result)) output.result(result)
    if (result.state === 'open' && !output.isLive) view.say(portLine(result, this.addresses.size > 1))
  }

  /** Takes over what an earlier process counted and listed. */
  restore(counts: StateCounts, listed: readonly PortResult[], probes: number, retries: number): void {
    this.results.restore(counts, listed)
    for (const result of listed) this.#services.output.result(result)
    this.#addSummary({ ...nothingDone, engine: this.#summary.engine, probes, retries })
  }

  /** Where the whole stands now; rate and time left are those of the run under way, when it last told. */
  progress(): ProgressState {
    const { results, total } = this
    const found = [`${grouped(results.of('open'))} open`, `${grouped(results.of('filtered'))} filtered`]
    return { ...this.#pace, done: results.done, total, found }
  }

  /**
   * Scans `wanted` again and again until all of them are open or `waitMs` is over. What is not open then counts as it was
   * seen last.
   * @throws {UsageError} when that would be too many ports.
   */
  async runUntilOpen(wanted: readonly number[], waitMs: number): Promise<void> {
    const { addresses } = this
    const { clock } = this.#services.context
    const count = addresses.size * wanted.length
    if (count > scanLimits.waitPortCount) {
      throw new UsageError(`--wait for ${grouped(count)} ports is too much`, {
        hint: `at most ${grouped(scanLimits.waitPortCount)}, over all addresses, are asked again and again`,
      })
    }
    const late = new AbortController()
    const timer = clock.after(waitMs, () => late.abort(new DOMException('the wait is over', 'TimeoutError')))
    const signal = AbortSignal.any([this.signal, late.signal])
    const open = new AnsweredPorts(addresses, wanted)
    const latest = new Map<string, PortResult>()
    const take = (result: PortResult): void => {
      const key = `${result.port} ${result.host.address}`
      if (result.state !== 'open') latest.set(key, result)
      else if (open.add(result.host, result.port)) {
        latest.delete(key)
        this.record(result)
      }
    }
    try {
      for (;;) {
        this.forgetIncomplete()
        for (const part of open.remaining()) await this.run(part, take, signal)
        if (signal.aborted || open.remaining().length === 0) break
        await pause(clock, scanLimits.waitPauseMs, signal)
      }
    } finally {
      timer.cancel()
    }
    // A last round that was cut short takes nothing away from what an earlier one heard.
    if (latest.size === count - this.results.done) this.forgetIncomplete()
    for (const result of latest.values()) this.record(result)
  }
}
