import type { AddressSet } from '../../scan/address-set.ts'
import type { ScanPart } from '../../scan/answered.ts'
import { Findings } from '../../scan/findings.ts'
import { portLine } from '../../scan/report/text.ts'
import type { scan } from '../../scan/scanner.ts'
import type { PortResult, ScanProgress } from '../../scan/types.ts'
import { grouped } from '../../terminal/format.ts'
import type { ProgressState } from '../../terminal/progress.ts'
import type { CommandContext } from '../command.ts'
import type { ScanValues } from './options.ts'
import type { ScanOutput } from './output.ts'
import { Totals } from './totals.ts'
import type { ScanView } from './view.ts'

export interface SurveyServices {
  readonly scan: typeof scan
  readonly context: CommandContext
  /** The process's signal, or the person's `q`. */
  readonly signal: AbortSignal
  readonly view: ScanView
  readonly output: ScanOutput
}

/** One scan as the person sees it, whatever number of runs of the scanner it takes. */
export class Survey {
  readonly addresses: AddressSet
  readonly ports: readonly number[]
  readonly findings: Findings
  readonly totals = new Totals()
  readonly signal: AbortSignal
  readonly #values: ScanValues
  readonly #services: SurveyServices
  readonly #shown: ReadonlySet<string>
  readonly #expected: ReadonlySet<number>
  #expectedOpen = 0
  #pace: Pick<ScanProgress, 'rate' | 'etaMs'> = { rate: 0 }

  constructor(
    addresses: AddressSet,
    ports: readonly number[],
    expected: readonly number[],
    values: ScanValues,
    services: SurveyServices,
  ) {
    this.addresses = addresses
    this.ports = ports
    this.findings = new Findings(values.show)
    this.signal = services.signal
    this.#values = values
    this.#services = services
    this.#shown = new Set(values.show)
    this.#expected = new Set(expected)
  }

  /** Ports in all. */
  get total(): number {
    return this.addresses.size * this.ports.length
  }

  /** How many of the ports that are expected to be open are not, over all addresses. */
  get missing(): number {
    return this.#expected.size * this.addresses.size - this.#expectedOpen
  }

  /** Runs the scanner over some hosts and ports; `take` gets every answer, and `record` those that are to count. */
  async run(
    { hosts, hostCount, ports }: ScanPart,
    take: (result: PortResult) => void,
    signal = this.signal,
  ): Promise<void> {
    if (signal.aborted) return
    const { rate, timeout, retries, concurrency, banner, engine, threads } = this.#values
    const { scan, context, view } = this.#services
    const plan = {
      hosts,
      hostCount,
      ports,
      ...(rate !== undefined && { rate }),
      ...(timeout !== undefined && { timeoutMs: timeout }),
      ...(retries !== undefined && { retries }),
      ...(concurrency !== undefined && { concurrency }),
      ...(engine !== 'auto' && { engine }),
      ...(threads !== undefined && { threads }),
      banner,
    }
    const { clock, startThread } = context
    const observer = {
      result: take,
      progress: (progress: ScanProgress) => {
        this.#pace = progress
        view.progress(this.progress())
      },
      notice: (sentence: string) => view.say(sentence),
    }
    this.totals.add(await scan(plan, { clock, startThread, signal, observer }))
  }

  /** A final answer: counted, listed, written and said. */
  record(result: PortResult): void {
    this.findings.add(result)
    this.#write(result)
    // On the same terminal JSON Lines say it already.
    if (result.state === 'open' && (!this.#values.jsonl || this.#values.output !== undefined)) {
      this.#services.view.say(portLine(result, this.addresses.size > 1))
    }
  }

  /** A listed answer of an earlier run, which is counted already. */
  restore(result: PortResult): void {
    this.findings.list(result)
    this.#write(result)
  }

  #write(result: PortResult): void {
    if (this.#shown.has(result.state)) this.#services.output.result(result)
    if (result.state === 'open' && this.#expected.has(result.port)) this.#expectedOpen++
  }

  /** Where the whole stands now; rate and time left are those of the run under way, when it last told. */
  progress(): ProgressState {
    const { findings, total } = this
    const { rate, etaMs } = this.#pace
    const found = [`${grouped(findings.of('open'))} open`, `${grouped(findings.of('filtered'))} filtered`]
    return { done: findings.done, total, rate, found, ...(etaMs !== undefined && { etaMs }) }
  }
}
