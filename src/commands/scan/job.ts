import { type Clock, pause } from '../../base/clock.ts'
import { UsageError } from '../../base/errors.ts'
import { parseIp } from '../../net/ip.ts'
import { AddressSet } from '../../scan/address-set.ts'
import { ExpectedCertificates } from '../../scan/expected-certificates.ts'
import { ExpectedPorts } from '../../scan/expected-ports.ts'
import { scanLimits } from '../../scan/limits.ts'
import { bothDoubts } from '../../scan/notices.ts'
import { type PortPlan, union } from '../../scan/port-plan.ts'
import { portLine, tlsWords } from '../../scan/report/text.ts'
import { nameKey, type ResolvedTargets } from '../../scan/resolve-targets.ts'
import { ScanResults } from '../../scan/results.ts'
import type { ResumeState, ScanIdentity } from '../../scan/resume-file.ts'
import type { scan } from '../../scan/scanner.ts'
import { emptyTimeline, type ScanTimeline, TimelineRecorder } from '../../scan/timeline.ts'
import type { AskTls } from '../../scan/tls-info.ts'
import type { TlsInspector } from '../../scan/tls-inspector.ts'
import type { HostAddress, PortResult, ScanDoubt, ScanHost, ScanPace, ScanPart, ScanSummary } from '../../scan/types.ts'
import { grouped } from '../../terminal/format.ts'
import type { ProgressState } from '../../terminal/progress.ts'
import type { CommandContext } from '../command.ts'
import type { TargetFinder } from './find-targets.ts'
import type { ScanOutput } from './output.ts'
import type { JobPlan } from './plan.ts'
import type { ScanView } from './view.ts'

export interface JobServices {
  readonly scan: typeof scan
  readonly askTls: AskTls
  readonly context: CommandContext
  /** The process's signal, or the person's `q`. */
  readonly signal: AbortSignal
  readonly view: ScanView
  readonly output: ScanOutput
}

/** What no run of the scanner has added to yet. */
const noDoubt: ScanDoubt = { complete: true, expectedMissed: 0, evidence: [], notes: [] }
const nothingDone: ScanSummary = {
  ...noDoubt,
  lasting: noDoubt,
  engine: 'net',
  threads: 0,
  probes: 0,
  retries: 0,
  notScanned: 0,
}

/** One scan as a person sees it, whatever number of runs of the scanner it takes. */
export class ScanJob {
  readonly plan: JobPlan
  /** With --wait names may have other addresses from one moment to the next. */
  targets: ResolvedTargets
  readonly results: ScanResults
  /** What must be open, if anything must. */
  readonly expectation: ExpectedPorts | undefined
  /** How long certificates must be valid, if that was said. */
  readonly certificates: ExpectedCertificates | undefined
  readonly signal: AbortSignal
  readonly #services: JobServices
  #summary = nothingDone
  #pace: ScanPace = { rate: 0, sent: 0 }
  /** What is in doubt in the run under way. */
  #doubtNow = (): ScanDoubt => noDoubt
  #timeline: TimelineRecorder | undefined
  readonly #isExpected: (port: number) => boolean
  /** Where something was found open while names may still change. */
  readonly #openHosts: HostAddress[] = []

  constructor(plan: JobPlan, targets: ResolvedTargets, services: JobServices) {
    const { expected, expectedCertDays } = plan
    const ports = new Set(expected === 'all' ? [] : expected)
    this.plan = plan
    this.targets = targets
    this.results = new ScanResults(plan.shown)
    this.#isExpected = (port) => expected === 'all' || ports.has(port)
    if (expected !== undefined) this.expectation = new ExpectedPorts(targets, this.#isExpected, plan.choose === 'any')
    if (expectedCertDays !== undefined) {
      this.certificates = new ExpectedCertificates(expectedCertDays, services.context.clock.now())
    }
    this.signal = services.signal
    this.#services = services
  }

  get addresses(): AddressSet {
    return this.targets.addresses
  }

  /** Ports in all. */
  get total(): number {
    return this.targets.ports.count(this.addresses)
  }

  /** What all runs came to together. */
  get summary(): ScanSummary {
    return this.#summary
  }

  /** How all runs went, from the first on. */
  get timeline(): ScanTimeline {
    return this.#timeline?.timeline ?? emptyTimeline
  }

  /** What is scanned and kept, as text. */
  get identity(): ScanIdentity {
    const { shown, probing } = this.plan
    const { addresses, ports, names } = this.targets
    return {
      targets: addresses.toString(),
      names: names
        .map(({ name }) => nameKey(name))
        .sort()
        .join(','),
      ports: ports.toString(),
      shown: shown.join(','),
      banner: probing.banner === true,
      tls: this.plan.tlsInfo,
    }
  }

  /** Every address with these ports. */
  part(ports = this.targets.ports): ScanPart {
    const { addresses } = this
    const all = { hosts: addresses.hosts(), hostCount: addresses.size, ports: ports.all }
    if (!ports.hasOwn) return all
    return { ...all, portsOf: (host) => ports.of(host), portTotal: ports.count(addresses) }
  }

  /** The ports of which nothing is expected. */
  get otherPorts(): PortPlan {
    return this.targets.ports.filter((port) => !this.#isExpected(port))
  }

  /** Runs the scanner over some hosts and ports; `take` gets every answer, and `record` those that are to count. */
  async run(part: ScanPart, take: (result: PortResult) => void, signal = this.signal): Promise<void> {
    if (signal.aborted) return
    const { scan, context, view } = this.#services
    const { clock, startThread, machine } = context
    const inspector = await this.#inspector(take, signal)
    const found = inspector?.add.bind(inspector) ?? take
    const timeline = this.#timeline ?? new TimelineRecorder(clock.monotonic())
    this.#timeline = timeline
    // Between two runs nothing is sent.
    timeline.probed(clock.monotonic(), 0)
    this.#pace = { rate: this.#pace.rate, sent: 0 }
    const observer = {
      result: (result: PortResult) => {
        if (result.rttMs !== undefined) timeline.answered(clock.monotonic(), result.rttMs)
        found(result)
      },
      progress: (pace: ScanPace, doubt: () => ScanDoubt) => {
        this.#doubtNow = doubt
        timeline.probed(clock.monotonic(), pace.sent - this.#pace.sent)
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
    await inspector?.finish()
    this.certificates?.addUnasked(inspector?.unasked ?? 0)
    this.#addSummary({ ...summary, notes: [...summary.notes, ...(inspector?.notes ?? [])] })
  }

  /** Between the scanner and whoever takes its results, where open ports are to be asked for TLS. */
  async #inspector(take: (result: PortResult) => void, signal: AbortSignal): Promise<TlsInspector | undefined> {
    if (!this.plan.tlsInfo) return undefined
    const { TlsInspector } = await import('../../scan/tls-inspector.ts')
    const { askTls: ask, context } = this.#services
    return new TlsInspector(this.plan.probing.rate, { ask, clock: context.clock, signal, take })
  }

  #addSummary(added: ScanSummary): void {
    const { engine, threads, probes, retries, notScanned } = added
    const before = this.#summary
    this.#doubtNow = () => noDoubt
    this.#summary = {
      ...bothDoubts(before, added),
      lasting: bothDoubts(before.lasting, added.lasting),
      engine,
      threads: Math.max(before.threads, threads),
      probes: before.probes + probes,
      retries: before.retries + retries,
      notScanned: before.notScanned + notScanned,
    }
  }

  /** What is in doubt of the ports that have an answer, so that they are not asked again when the scan goes on. */
  get lastingDoubt(): ScanDoubt {
    return bothDoubts(this.#summary.lasting, this.#doubtNow())
  }

  /** Forgets that a run was incomplete: what it lacked is probed again, or was found earlier. */
  forgetIncomplete(): void {
    this.#summary = { ...this.#summary, ...noDoubt, lasting: noDoubt, notScanned: 0 }
  }

  /** A final answer: counted, listed, written and said. */
  record(result: PortResult): void {
    this.results.add(result)
    this.expectation?.add(result)
    this.certificates?.add(result)
    if (result.state === 'open' && this.plan.waitMs !== undefined) this.#openHosts.push(result.host)
    const { output, view } = this.#services
    if (this.results.isShown(result)) output.result(result)
    if (result.state === 'open' && !output.isLive) view.say(this.#liveLine(result))
  }

  #liveLine(result: PortResult): string {
    const line = portLine(result, this.addresses.size > 1)
    return result.tls === undefined ? line : `${line}  ${tlsWords(result.tls, true)}`
  }

  /** Takes over what an earlier process counted and listed. */
  restore({ counts, results: listed, probes, retries, doubt }: ResumeState): void {
    this.results.restore(counts, listed)
    for (const result of listed) {
      this.expectation?.add(result)
      this.certificates?.add(result)
      this.#services.output.result(result)
    }
    this.#addSummary({ ...nothingDone, ...doubt, lasting: doubt, engine: this.#summary.engine, probes, retries })
  }

  /** Where the whole stands now; rate and time left are those of the run under way, when it last told. */
  progress(): ProgressState {
    const { results, total } = this
    const found = [`${grouped(results.of('open'))} open`, `${grouped(results.of('filtered'))} filtered`]
    const { rate, etaMs } = this.#pace
    return { rate, ...(etaMs !== undefined && { etaMs }), done: results.done, total, found }
  }

  /**
   * Scans what is expected again and again until all of it is open or `waitMs` is over, and asks names again meanwhile. What
   * is not open then counts as it was seen last.
   * @throws {UsageError} when that would be too many ports.
   */
  async runUntilOpen(expectation: ExpectedPorts, finder: TargetFinder, waitMs: number): Promise<void> {
    const { clock } = this.#services.context
    const over = new AbortController()
    const timer = clock.after(waitMs, () => over.abort(new DOMException('the wait is over', 'TimeoutError')))
    const signal = AbortSignal.any([this.signal, over.signal])
    const latest = new Map<string, PortResult>()
    const take = (result: PortResult): void => {
      const key = `${result.port} ${result.host.address}`
      if (result.state !== 'open') latest.set(key, result)
      else {
        latest.delete(key)
        this.record(result)
      }
    }
    const names = new NameWatch(finder, clock, signal)
    try {
      for (;;) {
        const part = this.#wanted(expectation)
        this.forgetIncomplete()
        if (part.hostCount > 0) await this.run(part, take, signal)
        if (signal.aborted || expectation.missing === 0) break
        await pause(clock, scanLimits.waitPauseMs, signal)
        const found = await names.look(this.targets, expectation)
        if (found !== undefined) this.#retarget(found, expectation)
      }
    } finally {
      timer.cancel()
      over.abort()
    }
    const { addresses, ports } = this.targets
    const isCurrent = ({ host, port }: PortResult): boolean => {
      const ip = parseIp(host.address)
      return ip !== undefined && addresses.indexOf(ip.family, ip.value) >= 0 && ports.of(host).includes(port)
    }
    const last = [...latest.values()].filter(isCurrent)
    // A last round that was cut short takes nothing away from what an earlier one heard.
    if (last.length + this.results.done === ports.filter(this.#isExpected).count(addresses)) this.forgetIncomplete()
    for (const result of last) this.record(result)
  }

  /** What of the expectation is not open, on every address where that would help. @throws {UsageError} */
  #wanted(expectation: ExpectedPorts): ScanPart {
    const { addresses, ports } = this.targets
    const count = ports.filter(this.#isExpected).count(addresses)
    if (count > scanLimits.waitPortCount) {
      throw new UsageError(`--wait for ${grouped(count)} ports is too much`, {
        hint: `at most ${grouped(scanLimits.waitPortCount)}, over all addresses, are asked again and again`,
      })
    }
    const wanted = new Map<string, readonly number[]>()
    const hosts: ScanHost[] = []
    for (const host of addresses.hosts()) {
      const some = expectation.wanted(host)
      if (some.length === 0) continue
      hosts.push(host)
      wanted.set(host.address, some)
    }
    const lists = [...wanted.values()]
    const portsOf = ({ address }: HostAddress): readonly number[] => wanted.get(address) ?? []
    const portTotal = lists.reduce((sum, list) => sum + list.length, 0)
    return { hosts, hostCount: hosts.length, ports: union(lists), portsOf, portTotal }
  }

  /** Names have other addresses now; those where something was open stay. */
  #retarget(found: ResolvedTargets, expectation: ExpectedPorts): void {
    const before = this.targets
    const open = new AddressSet(
      this.#openHosts.flatMap(({ address }) => {
        const ip = parseIp(address)
        return ip === undefined ? [] : [{ family: ip.family, first: ip.value, last: ip.value }]
      }),
    )
    const kept = before.addresses.without(before.addresses.without(open))
    if (found.addresses.toString() !== before.addresses.toString()) {
      for (const { name, addresses } of found.names) {
        const known = before.names.find((one) => one.name === name)
        if (addresses.length === 0 || known?.addresses.join() === addresses.join()) continue
        this.#services.view.say(`${name} is ${addresses.slice(0, scanLimits.saidAddresses).join(', ')} now`)
      }
    }
    this.targets = { ...found, addresses: found.addresses.with(kept), ports: found.ports.with(before.ports) }
    expectation.retarget(this.targets)
  }
}

/** Asks names again from time to time, in the background: a name server that is silent must not hold up the scan. */
class NameWatch {
  readonly #finder: TargetFinder
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #askedMs: number
  #search: Promise<void> | undefined
  #found: ResolvedTargets | undefined
  #failure: unknown

  constructor(finder: TargetFinder, clock: Clock, signal: AbortSignal) {
    this.#finder = finder
    this.#clock = clock
    this.#signal = signal
    this.#askedMs = clock.monotonic()
  }

  /** The targets as they were found since, if they were; begins the next search when it is time. */
  async look(targets: ResolvedTargets, expectation: ExpectedPorts): Promise<ResolvedTargets | undefined> {
    if (this.#failure !== undefined) throw this.#failure
    const found = this.#found
    this.#found = undefined
    const isDue = this.#clock.monotonic() - this.#askedMs >= scanLimits.waitLookupMs
    if (targets.names.length > 0 && this.#search === undefined && isDue) this.#begin(targets, expectation)
    return found
  }

  #begin(targets: ResolvedTargets, expectation: ExpectedPorts): void {
    // A name that needs nothing more is not asked again.
    const met = targets.names.filter((name) => expectation.isMet(name)).map(({ name }) => nameKey(name))
    const known = new Map(met.map((key) => [key, this.#finder.answers.get(key) ?? []]))
    this.#askedMs = this.#clock.monotonic()
    this.#search = this.#finder
      .find(this.#signal, known)
      .then(
        (found) => {
          this.#found = found
        },
        (error: unknown) => {
          this.#failure = error
        },
      )
      .finally(() => {
        this.#search = undefined
      })
  }
}
