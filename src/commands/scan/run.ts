import { ExitCode } from '../../base/errors.ts'
import type { ExpectedPorts } from '../../scan/expected-ports.ts'
import { scanLimits } from '../../scan/limits.ts'
import { PortPlan } from '../../scan/port-plan.ts'
import { formatRanges } from '../../scan/ranges.ts'
import type { OutputFormat } from '../../scan/report/formats.ts'
import type { ScanReport } from '../../scan/report/report.ts'
import { summarySentences } from '../../scan/report/text.ts'
import type { ResolvedTargets } from '../../scan/resolve-targets.ts'
import type { ResumeState } from '../../scan/resume-file.ts'
import type { scan } from '../../scan/scanner.ts'
import type { AskTls } from '../../scan/tls-info.ts'
import { grouped } from '../../terminal/format.ts'
import type { CommandContext } from '../command.ts'
import { consent, type NameServices, nothingFound, refuseNothing, TargetFinder } from './find-targets.ts'
import { ScanJob } from './job.ts'
import type { ScanValues } from './options.ts'
import { openOutput } from './output.ts'
import { checkExpected, planJob } from './plan.ts'
import type { JobStart } from './resume.ts'
import { listenKeys, ScanView } from './view.ts'

/** What the command needs of the rooms below; tests give their own. */
export interface ScanCommandServices extends NameServices {
  readonly scan: typeof scan
  readonly askTls: AskTls
}

/** `netlab scan` from its options to its exit code; written in this format, or in the one that the options ask for. */
export async function runScan(
  values: ScanValues,
  context: CommandContext,
  { scan, askTls, ...system }: ScanCommandServices,
  format?: OutputFormat,
): Promise<ExitCode> {
  const { clock } = context
  const asked = planJob(values)
  const plan = format === undefined ? asked : { ...asked, format }
  const view = new ScanView(context, plan.quiet)
  const kept = plan.resumePath === undefined ? undefined : await readKept(plan.resumePath)
  const finder = await TargetFinder.read(plan, context, system)
  view.spin('looking up names', clock)
  const found = finder?.find(context.signal, new Map(Object.entries(kept?.answers ?? {})))
  const targets = (await found?.finally(() => view.close())) ?? { ...nothingFound, ports: new PortPlan(plan.ports) }
  if (plan.waitMs === undefined) refuseNothing(targets)
  checkExpected(plan, targets)
  for (const note of targets.notes) view.say(note)
  for (const failure of fewFailures(targets)) view.warn(failure)
  if (!(await consent(targets, plan, context))) return ExitCode.negative

  const output = await openOutput(plan, context, (write) => view.aside(write))
  const quit = new AbortController()
  const signal = AbortSignal.any([context.signal, quit.signal])
  const job = new ScanJob(plan, targets, { scan, askTls, context, signal, view, output })
  const beganMs = clock.monotonic()
  const unlisten = listenKeys(context, view, { status: () => view.status(job.progress()), quit: () => quit.abort() })
  let start: JobStart = { startedAt: clock.now(), durationMs: 0 }
  try {
    if (finder !== undefined) start = (await runJob(job, finder, kept, context, view)) ?? start
  } finally {
    view.close()
    unlisten()
  }
  const report = makeReport(job, {
    startedAt: start.startedAt,
    durationMs: start.durationMs + clock.monotonic() - beganMs,
  })
  await output.finish(report)
  saySummary(report, job, view)
  if (context.signal.aborted) {
    return context.signal.reason === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated
  }
  // Nothing that was asked for could be scanned.
  if (job.addresses.size === 0 && job.targets.failures.length > 0) return ExitCode.unavailable
  return isPositive(job) ? ExitCode.ok : ExitCode.negative
}

async function readKept(path: string): Promise<ResumeState | undefined> {
  const { readState } = await import('./resume.ts')
  return readState(path)
}

/** Does the scanning in the way that was asked for. Returns when it began, where that was in an earlier process. */
async function runJob(
  job: ScanJob,
  finder: TargetFinder,
  kept: ResumeState | undefined,
  { clock }: CommandContext,
  view: ScanView,
): Promise<JobStart | undefined> {
  const { expectation } = job
  const { waitMs, resumePath } = job.plan
  const record = job.record.bind(job)
  if (resumePath !== undefined && job.addresses.size > 0) {
    const { ResumableJob } = await import('./resume.ts')
    const resumable = new ResumableJob(job, resumePath, finder.answers, clock)
    const start = await resumable.begin(kept)
    const { done } = job.results
    if (done > 0) view.say(`continuing: ${grouped(done)} of ${grouped(job.total)} ports are answered already`)
    await view.start(job.progress())
    await resumable.run()
    return start
  }
  if (waitMs === undefined || expectation === undefined) {
    await view.start(job.progress())
    await job.run(job.part(), record)
    return undefined
  }
  view.spin('waiting for the ports to open', clock)
  await job.runUntilOpen(expectation, finder, waitMs)
  const others = job.otherPorts
  if (others.count(job.addresses) > 0) {
    await view.start(job.progress())
    await job.run(job.part(others), record)
  }
  return undefined
}

/** What is said of names that could not be resolved: a few by name, the others by their number. */
function fewFailures({ failures }: Pick<ResolvedTargets, 'failures'>): readonly string[] {
  if (failures.length <= scanLimits.saidFailures) return failures
  const more = failures.length - scanLimits.saidFailures
  return [...failures.slice(0, scanLimits.saidFailures), `${grouped(more)} more names could not be resolved`]
}

function makeReport(job: ScanJob, times: JobStart): ScanReport {
  const { addresses, plan, results, summary, total, signal } = job
  const { targets, ports } = job.identity
  const { failures, names } = job.targets
  const notScanned = total - results.done
  const notes = [...fewFailures(job.targets), ...summary.notes]
  if (results.unlisted > 0) {
    notes.push(`${grouped(results.unlisted)} results are counted but not listed; --jsonl writes them all`)
  }
  if (results.isAllSilent) {
    const whom = addresses.size === 1 ? targets : `any of ${grouped(addresses.size)} addresses`
    notes.push(`nothing at all was heard from ${whom}: off, out of reach or all filtered, silence can't tell`)
  }
  if (signal.aborted && total === 0) notes.push('stopped before the scan began')
  const isWhole = notScanned === 0 && total > 0 && failures.length === 0 && results.unlisted === 0
  return {
    startedAt: times.startedAt,
    targets,
    hostCount: addresses.size,
    ports,
    portCount: job.targets.ports.all.length,
    portTotal: total,
    unresolved: names.flatMap(({ name, addresses: known }) => (known.length === 0 ? [name] : [])),
    shown: plan.shown,
    complete: summary.complete && isWhole && !results.isAllSilent,
    expectedMissed: summary.expectedMissed,
    interrupted: signal.aborted,
    notes,
    counts: results.counts,
    hostCounts: results.hostCounts,
    notScanned,
    engine: summary.engine,
    threads: summary.threads,
    probes: summary.probes,
    retries: summary.retries,
    durationMs: times.durationMs,
    timeline: job.timeline,
    results: results.listed(addresses, summary.evidence),
  }
}

/** The last words, on stderr: what it came to, and what is not as expected. */
function saySummary(report: ScanReport, job: ScanJob, view: ScanView): void {
  const { plan, expectation } = job
  for (const sentence of summarySentences(report)) {
    if (report.complete) view.say(sentence)
    else view.warn(sentence)
  }
  if (expectation !== undefined && expectation.missing > 0) view.warn(missingSentence(report, expectation, job.targets))
  for (const fault of job.certificates?.faults ?? []) view.warn(fault)
  if (plan.outputPath !== undefined) view.say(`written to ${plan.outputPath}`)
  if (report.notScanned > 0 && plan.resumePath !== undefined) {
    view.say(`${plan.resumePath} keeps the rest; the same command continues it`)
  }
}

/** What was expected is open; where nothing was expected, something is. And certificates are as they should be. */
function isPositive({ expectation, certificates, results }: ScanJob): boolean {
  if (certificates?.isMet === false) return false
  return expectation === undefined ? results.of('open') > 0 : expectation.missing === 0
}

/** The sentence about ports that were expected to be open and are not. */
function missingSentence(report: ScanReport, expectation: ExpectedPorts, { addresses }: ResolvedTargets): string {
  const [only] = addresses.hosts(0, 1)
  if (report.hostCount > 1 || report.unresolved.length > 0 || only === undefined) {
    return `${grouped(expectation.missing)} of the ${grouped(expectation.count)} ports expected to be open are not`
  }
  return `expected to be open, but not: ${formatRanges(expectation.wanted(only))}`
}
