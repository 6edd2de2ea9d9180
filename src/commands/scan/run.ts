import { ExitCode } from '../../base/errors.ts'
import { formatRanges } from '../../scan/ranges.ts'
import type { ScanReport } from '../../scan/report/report.ts'
import { summarySentences } from '../../scan/report/text.ts'
import type { ResolveServices } from '../../scan/resolve-targets.ts'
import type { scan } from '../../scan/scanner.ts'
import { grouped } from '../../terminal/format.ts'
import type { CommandContext } from '../command.ts'
import { consent } from './consent.ts'
import { findTargets } from './find-targets.ts'
import { listenKeys } from './keys.ts'
import type { ScanValues } from './options.ts'
import { streamOutput } from './output.ts'
import { readRequest, type ScanRequest } from './request.ts'
import type { Earlier } from './resume.ts'
import { Survey } from './survey.ts'
import { exitCode, missingSentence } from './verdict.ts'
import { ScanView } from './view.ts'
import { waitUntilOpen } from './wait.ts'

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
  const { clock, stderr, stdout } = context
  const request = readRequest(values)
  const view = new ScanView(stderr, values.quiet)
  const { addresses, notes, failures } = await findTargets(values, context, system, view)
  for (const note of notes) view.say(note)
  for (const failure of failures) view.warn(failure)
  if (!(await consent(addresses, request.ports, values.yes, context))) return ExitCode.negative

  const output =
    values.output === undefined
      ? streamOutput(request.format, stdout, clock, (write) => view.aside(write))
      : await (await import('./file-output.ts')).fileOutput(request.format, values.output, clock)
  const quit = new AbortController()
  const signal = AbortSignal.any([context.signal, quit.signal])
  const services = { scan, context, signal, view, output }
  const survey = new Survey(addresses, request.ports, request.expected ?? [], values, services)
  const beganMs = clock.monotonic()
  const unlisten = listenKeys(context, { status: () => view.status(survey.progress()), quit: () => quit.abort() })
  let earlier: Earlier = { startedAt: clock.now(), durationMs: 0 }
  try {
    const begun = await conduct(survey, values, request, context, view)
    if (begun !== undefined) earlier = begun
  } finally {
    view.close()
    unlisten()
  }
  const durationMs = earlier.durationMs + clock.monotonic() - beganMs
  const report = makeReport(survey, values, signal.aborted, failures, { startedAt: earlier.startedAt, durationMs })
  await output.finish(report)
  conclude(report, survey, values, request, view)
  return exitCode({
    stoppedBy: context.signal.aborted ? context.signal.reason : undefined,
    failures: failures.length,
    missing: request.expected === undefined ? undefined : survey.missing,
    open: survey.findings.of('open'),
  })
}

/** Does the scanning in the way that was asked for. */
async function conduct(
  survey: Survey,
  values: ScanValues,
  { ports, expected = [] }: ScanRequest,
  context: CommandContext,
  view: ScanView,
): Promise<Earlier | undefined> {
  const { addresses } = survey
  const all = { hosts: addresses.hosts(), hostCount: addresses.size, ports }
  if (values.resume !== undefined && addresses.size > 0) {
    const { ResumableScan } = await import('./resume.ts')
    const resumable = new ResumableScan(survey, values.resume, values, context)
    const earlier = await resumable.begin()
    if (survey.findings.done > 0) {
      const done = `${grouped(survey.findings.done)} of ${grouped(survey.total)}`
      view.say(`continuing: ${done} ports are answered already`)
    }
    await view.start(survey.progress())
    await resumable.run()
    return earlier
  }
  if (values.wait === undefined) {
    await view.start(survey.progress())
    await survey.run(all, (result) => survey.record(result))
    return undefined
  }
  view.spin('waiting for the ports to open', context.clock)
  await waitUntilOpen(survey, expected, values.wait, context.clock)
  const wanted = new Set(expected)
  const others = ports.filter((port) => !wanted.has(port))
  if (others.length > 0) {
    await view.start(survey.progress())
    const part = { hosts: addresses.hosts(), hostCount: addresses.size, ports: others }
    await survey.run(part, (result) => survey.record(result))
  }
  return undefined
}

function makeReport(
  survey: Survey,
  values: ScanValues,
  interrupted: boolean,
  failures: readonly string[],
  { startedAt, durationMs }: Earlier,
): ScanReport {
  const { addresses, ports, findings, totals, total } = survey
  const notScanned = total - findings.done
  const notes = [...failures, ...totals.notes]
  if (findings.unlisted > 0) {
    notes.push(`${grouped(findings.unlisted)} results are counted but not listed; --jsonl writes them all`)
  }
  if (findings.heardNothing) {
    const whom = addresses.size === 1 ? addresses.toString() : `any of ${grouped(addresses.size)} addresses`
    notes.push(`nothing at all was heard from ${whom}: off, out of reach or all filtered, silence can't tell`)
  }
  if (interrupted && total === 0) notes.push('stopped before the scan began')
  return {
    startedAt,
    targets: addresses.toString(),
    hostCount: addresses.size,
    ports: formatRanges(ports),
    portCount: ports.length,
    shown: values.show,
    complete:
      totals.complete &&
      notScanned === 0 &&
      failures.length === 0 &&
      findings.unlisted === 0 &&
      !findings.heardNothing &&
      total > 0,
    interrupted,
    notes,
    counts: findings.counts,
    notScanned,
    engine: totals.engine,
    threads: totals.threads,
    probes: totals.probes,
    retries: totals.retries,
    durationMs,
    results: findings.listed(addresses),
  }
}

/** The last words, on stderr: what it came to, and what is not as expected. */
function conclude(report: ScanReport, survey: Survey, values: ScanValues, request: ScanRequest, view: ScanView): void {
  for (const sentence of summarySentences(report)) {
    if (report.complete) view.say(sentence)
    else view.warn(sentence)
  }
  if (request.expected !== undefined && survey.missing > 0) {
    view.warn(missingSentence(report, request.expected, survey.missing))
  }
  if (values.output !== undefined) view.say(`written to ${values.output}`)
  if (report.notScanned > 0 && values.resume !== undefined) {
    view.say(`${values.resume} keeps the rest; the same command continues it`)
  }
}
