import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { ExitCode, errorCode, reasonOf, StorageError, UsageError } from '../../base/errors.ts'
import { compareReports, type ScanDiff } from '../../scan/diff/compare.ts'
import { type KnownReport, readReport } from '../../scan/diff/known-report.ts'
import { diffSentences, renderDiffJson, renderDiffText } from '../../scan/diff/render.ts'
import { scanLimits } from '../../scan/limits.ts'
import { parsePorts } from '../../scan/ports.ts'
import { formatOfFile, type OutputFormat, outputFormats } from '../../scan/report/formats.ts'
import { renderJson } from '../../scan/report/json.ts'
import { parseTargets, type Target } from '../../scan/targets.ts'
import type { CommandContext } from '../command.ts'
import type { ScanValues } from './options.ts'
import { openSink } from './output.ts'
import { runScan, type ScanCommandServices } from './run.ts'
import { ScanView } from './view.ts'

/** `netlab scan --diff`: two reports, or a report and a scan that is made now, of the same where nothing else is said. */
export async function runDiff(
  values: ScanValues,
  oldPath: string,
  context: CommandContext,
  services: ScanCommandServices,
): Promise<ExitCode> {
  const asJson = isJson(values)
  if (values.expectCertDays !== undefined) {
    throw new UsageError('--diff and --expect-cert-days mean different things by exit code 1', {
      hint: 'leave one of them',
    })
  }
  const newer = newReport(values.targets)
  const old = readReport(await readText(createReadStream(oldPath), oldPath), oldPath)
  if (newer === undefined) return scanAndCompare(values, old, asJson, context, services)
  const [stream, source] =
    newer.kind === 'stdin' ? [context.stdin, 'standard input'] : [createReadStream(newer.path), newer.path]
  const diff = compareReports(old, readReport(await readText(stream, source), source))
  const sink = await openSink(values.output, false, context.stdout, (write) => write())
  await sink.finish(render(diff, asJson))
  say(diff, new ScanView(context, values.quiet))
  return diff.hosts.length === 0 ? ExitCode.ok : ExitCode.negative
}

/** A scan whose report is what changed since the old one. Stopped by a signal it ends as any scan does. */
async function scanAndCompare(
  values: ScanValues,
  old: KnownReport,
  asJson: boolean,
  context: CommandContext,
  services: ScanCommandServices,
): Promise<ExitCode> {
  let found: ScanDiff | undefined
  const format: OutputFormat = {
    name: 'diff',
    extensions: [],
    load: async () => ({
      report(report) {
        found = compareReports(old, readReport([...renderJson(report)].join(''), 'this scan'))
        return render(found, asJson)
      },
    }),
  }
  const exit = await runScan(likeBefore(values, old), context, services, format)
  if (found === undefined) return exit
  say(found, new ScanView(context, values.quiet))
  if (exit !== ExitCode.ok && exit !== ExitCode.negative) return exit
  return found.hosts.length === 0 ? ExitCode.ok : ExitCode.negative
}

/** The options, and for those that are missing what the old scan had. */
function likeBefore(values: ScanValues, old: KnownReport): ScanValues {
  const arePortsSaid = values.ports !== undefined || values.top !== undefined || values.expect !== undefined
  const hadBanners = [...old.hosts.values()].some(({ ports }) =>
    [...ports.values()].some((port) => port.banner !== undefined),
  )
  if (old.hasOwnPorts && values.targets === undefined) {
    throw new UsageError(`${old.source} does not say which of its targets had which ports`, {
      hint: 'name the targets again, as HOST:PORT',
    })
  }
  const shown = new Set([...old.shown, ...values.show])
  return {
    ...values,
    targets: values.targets ?? parseTargets(old.targets),
    ...(!arePortsSaid && old.ports !== '' && { ports: parsePorts(old.ports) }),
    show: [...shown],
    banner: values.banner || hadBanners,
  }
}

/** @throws {UsageError} for a format that a comparison does not have. */
function isJson(values: ScanValues): boolean {
  const asked = outputFormats.find((format) => 'option' in format && values[format.name])
  const format = asked ?? formatOfFile(values.output ?? '')
  if (format.name === 'text' || format.name === 'json') return format.name === 'json'
  throw new UsageError(`a comparison is written as text or JSON, not as ${format.name}`, {
    hint: 'leave the format out, or add --json',
  })
}

/** The second report, where one was named: a file, or a word that ends as one does. */
function newReport(
  targets: readonly Target[] | undefined,
): Extract<Target, { readonly kind: 'file' }> | Extract<Target, { readonly kind: 'stdin' }> | undefined {
  const files = (targets ?? []).flatMap((target) => {
    if (target.kind === 'file' || target.kind === 'stdin') return [target]
    return target.kind === 'name' && /\.json$/i.test(target.name) ? [{ kind: 'file', path: target.name } as const] : []
  })
  const [only] = files
  if (only === undefined || targets?.length === 1) return only
  throw new UsageError('--diff compares two reports', { hint: 'write: netlab scan --diff OLD.json NEW.json' })
}

function render(diff: ScanDiff, asJson: boolean): Iterable<string> {
  return asJson ? renderDiffJson(diff) : renderDiffText(diff)
}

function say(diff: ScanDiff, view: ScanView): void {
  for (const sentence of diffSentences(diff)) view.say(sentence)
}

async function readText(stream: Readable, source: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of stream) {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes > scanLimits.reportBytes) break
    }
  } catch (cause) {
    throw new StorageError(errorCode(cause), `can't read ${source}: ${reasonOf(cause)}`, { cause })
  }
  if (bytes > scanLimits.reportBytes) {
    throw new StorageError('REPORT', `${source} has more than ${scanLimits.reportBytes / 1_048_576} MiB`)
  }
  return Buffer.concat(chunks).toString('utf8')
}
