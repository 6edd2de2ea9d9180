import { ExitCode } from '../../base/errors.ts'
import { formatRanges } from '../../scan/ranges.ts'
import type { ScanReport } from '../../scan/report/report.ts'
import { summarySentences } from '../../scan/report/text.ts'
import type { ResolveServices } from '../../scan/resolve-targets.ts'
import type { scan } from '../../scan/scanner.ts'
import { grouped } from '../../terminal/format.ts'
import type { CommandContext } from '../command.ts'
import { consent, findTargets } from './find-targets.ts'
import { ScanJob } from './job.ts'
import type { ScanValues } from './options.ts'
import { openOutput } from './output.ts'
import { planJob } from './plan.ts'
import type { JobStart } from './resume.ts'
import { listenKeys, ScanView } from './view.ts'

/** What the command needs of the rooms below; tests give their own. */
export interface ScanCommandServices extends Pick<ResolveServices, 'lookup' | 'zones'> {
  readonly scan: typeof scan
}

/** `netlab scan` from its options to its exit code. */
export async function runScan(
  values: ScanValues,
  context: CommandContext,
  { scan, ...system }: ScanCommandServices,
): Promise<ExitCode> {
  const { clock } = context
  const plan = planJob(values)
  const view = new ScanView(context.stderr, plan.quiet)
  const { addresses, notes, failures } = await findTargets(plan, context, system, view)
  for (const note of notes) view.say(note)
  for (const failure of failures) view.warn(failure)
  if (!(await consent(addresses, plan, context))) return ExitCode.negative

  const output = await openOutput(plan, context, (write) => view.aside(write))
  const quit = new AbortController()
  const signal = AbortSignal.any([context.signal, quit.signal])
  const job = new ScanJob(plan, addresses, { scan, context, signal, view, output })
  const beganMs = clock.monotonic()
  const unlisten = listenKeys(context, { status: () => view.status(job.progress()), quit: () => quit.abort() })
  let start: JobStart = { startedAt: clock.now(), durationMs: 0 }
  try {
    start = (await runJob(job, context, view)) ?? start
  } finally {
    view.close()
    unlisten()
  }
  const report = makeReport(job, failures, {
    startedAt: start.startedAt,
    durationMs: start.durationMs + clock.monotonic() - beganMs,
  })
  await output.finish(report)
  saySummary(report, job, view)
  if (context.signal.aborted) {
    return context.signal.reason === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated
  }
  // Not all that was asked for could be scanned; that goes before what the rest came to.
  if (failures.length > 0) return ExitCode.unavailable
  return isPositive(job) ? ExitCode.ok : ExitCode.negative
}

/** Does the scanning in the way that was asked for. Returns when it began, where that was in an earlier process. */
async function runJob(job: ScanJob, { clock }: CommandContext, view: ScanView): Promise<JobStart | undefined> {
  const { ports, expected = [], waitMs, resumePath } = job.plan
  const record = job.record.bind(job)
  if (resumePath !== undefined && job.addresses.size > 0) {
    const { ResumableJob } = await import('./resume.ts')
    const resumable = new ResumableJob(job, resumePath, clock)
    const start = await resumable.begin()
    const { done } = job.results
    if (done > 0) view.say(`continuing: ${grouped(done)} of ${grouped(job.total)} ports are answered already`)
    await view.start(job.progress())
    await resumable.run()
    return start
  }
  if (waitMs === undefined) {
    await view.start(job.progress())
    await job.run(job.part(), record)
    return undefined
  }
  view.spin('waiting for the ports to open', clock)
  await job.runUntilOpen(expected, waitMs)
  const wanted = new Set(expected)
  const others = ports.filter((port) => !wanted.has(port))
  if (others.length > 0) {
    await view.start(job.progress())
    await job.run(job.part(others), record)
  }
  return undefined
}

function makeReport(job: ScanJob, failures: readonly string[], times: JobStart): ScanReport {
  const { addresses, plan, results, summary, total, signal } = job
  const { targets, ports } = job.identity
  const notScanned = total - results.done
  const notes = [...failures, ...summary.notes]
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
    portCount: plan.ports.length,
    shown: plan.shown,
    complete: summary.complete && isWhole && !results.isAllSilent,
    interrupted: signal.aborted,
    notes,
    counts: results.counts,
    notScanned,
    engine: summary.engine,
    threads: summary.threads,
    probes: summary.probes,
    retries: summary.retries,
    durationMs: times.durationMs,
    results: results.listed(addresses),
  }
}

/** The last words, on stderr: what it came to, and what is not as expected. */
function saySummary(report: ScanReport, { plan, results }: ScanJob, view: ScanView): void {
  for (const sentence of summarySentences(report)) {
    if (report.complete) view.say(sentence)
    else view.warn(sentence)
  }
  const missing = results.missing(report.hostCount)
  if (plan.expected !== undefined && missing > 0) view.warn(missingSentence(report, plan.expected, missing))
  if (plan.outputPath !== undefined) view.say(`written to ${plan.outputPath}`)
  if (report.notScanned > 0 && plan.resumePath !== undefined) {
    view.say(`${plan.resumePath} keeps the rest; the same command continues it`)
  }
}

/** What was expected is open; where nothing was expected, something is. */
function isPositive({ plan, addresses, results }: ScanJob): boolean {
  return plan.expected === undefined ? results.of('open') > 0 : results.missing(addresses.size) === 0
}

/** The sentence about ports that were expected to be open and are not. */
function missingSentence(report: ScanReport, expected: readonly number[], missing: number): string {
  if (report.hostCount > 1) {
    const all = grouped(expected.length * report.hostCount)
    return `${grouped(missing)} of the ${all} ports expected to be open are not`
  }
  const open = new Set(
    report.results.flatMap(({ ports }) => ports.map(({ port, state }) => (state === 'open' ? port : 0))),
  )
  return `expected to be open, but not: ${formatRanges(expected.filter((port) => !open.has(port)))}`
}
