import { UsageError } from '../../base/errors.ts'
import type { ExpectedTargets } from '../../scan/expected-ports.ts'
import { allPorts, topPorts } from '../../scan/ports.ts'
import { formatOfFile, type OutputFormat, outputFormats } from '../../scan/report/formats.ts'
import type { ResolveOptions } from '../../scan/resolve-targets.ts'
import type { Target } from '../../scan/targets.ts'
import type { PortState, ProbeSettings } from '../../scan/types.ts'
import type { ScanValues } from './options.ts'

/** What the command line asks for, its options checked against each other. Made once; nothing else reads the options. */
export interface JobPlan {
  /** As typed, neither read nor resolved; undefined when nothing was. */
  readonly targets: readonly Target[] | undefined
  readonly excluded: readonly Target[]
  readonly choose: ResolveOptions['choose']
  /** Of targets that name no port; ascending, at least one. */
  readonly ports: readonly number[]
  /** The person said so, with --ports or --top. */
  readonly portsNamed: boolean
  readonly excludedPorts: ReadonlySet<number>
  /** Ports that must be open for exit 0: of --expect, or with --wait all that are scanned. */
  readonly expected: readonly number[] | 'all' | undefined
  readonly probing: ProbeSettings
  /** Open ports are asked for TLS. */
  readonly tlsInfo: boolean
  /** Days for which their certificates must be valid for exit 0. */
  readonly expectedCertDays: number | undefined
  /** States whose ports are listed. */
  readonly shown: readonly PortState[]
  /** Scan again until what is expected is open, for so long. */
  readonly waitMs: number | undefined
  readonly format: OutputFormat
  /** A file instead of standard output. */
  readonly outputPath: string | undefined
  readonly resumePath: string | undefined
  /** A large or public scan is meant. */
  readonly isConfirmed: boolean
  readonly quiet: boolean
}

/** @throws {UsageError} when options contradict each other. */
export function planJob(values: ScanValues): JobPlan {
  const { rate, timeout, retries, concurrency, banner, bannerTimeout, engine, threads, stopAtTarpit } = values
  if (values.ports !== undefined && values.top !== undefined) {
    throw new UsageError('--ports and --top both say which ports', { hint: 'leave one of them' })
  }
  const named = values.ports ?? (values.top === undefined ? undefined : topPorts(values.top)) ?? values.expect
  const allPairs = values.targets?.every((target) => 'ports' in target) === true
  if (values.wait !== undefined && named === undefined && !allPairs) {
    throw new UsageError('--wait needs to know which ports to wait for', {
      hint: 'name them with --ports, or as HOST:PORT',
    })
  }
  if (values.anyAddress === true && values.allAddresses) {
    throw new UsageError('--any-address and --all-addresses ask for different things', { hint: 'leave one of them' })
  }
  if (values.wait !== undefined && values.resume !== undefined) {
    throw new UsageError('--wait begins anew each time, so there is nothing to --resume', { hint: 'leave one of them' })
  }
  const excluded = new Set(values.excludePorts)
  const ports = (named ?? allPorts()).filter((port) => !excluded.has(port))
  if (ports.length === 0) throw new UsageError('no port is left to scan: --exclude-ports covers them all')
  return {
    targets: values.targets,
    excluded: values.exclude,
    choose: chosenAddresses(values),
    ports,
    portsNamed: values.ports !== undefined || values.top !== undefined,
    excludedPorts: excluded,
    expected: values.expect ?? (values.wait === undefined ? undefined : 'all'),
    probing: {
      rate,
      timeoutMs: timeout,
      retries,
      concurrency,
      banner: banner || bannerTimeout !== undefined,
      bannerMs: bannerTimeout,
      stopAtTarpit,
      engine: engine === 'auto' ? undefined : engine,
      threads,
    },
    tlsInfo: values.tlsInfo || values.expectCertDays !== undefined,
    expectedCertDays: values.expectCertDays,
    shown: values.show,
    waitMs: values.wait,
    format: chosenFormat(values),
    outputPath: values.output,
    resumePath: values.resume,
    isConfirmed: values.yes,
    quiet: values.quiet,
  }
}

function chosenAddresses({ allAddresses, anyAddress, wait }: ScanValues): JobPlan['choose'] {
  if (allAddresses) return 'all'
  return (anyAddress ?? wait !== undefined) ? 'any' : 'first'
}

/** @throws {UsageError} when a port is expected to be open that is not scanned at all. */
export function checkExpected({ expected }: Pick<JobPlan, 'expected'>, { addresses, ports }: ExpectedTargets): void {
  if (expected === undefined || expected === 'all' || addresses.size === 0) return
  const all = new Set(ports.all)
  const unscanned = expected.find((port) => !all.has(port))
  if (unscanned === undefined) return
  throw new UsageError(`port ${unscanned} is expected to be open, but is not among the ports to scan`, {
    hint: 'add it to --ports',
  })
}

function chosenFormat(values: ScanValues): OutputFormat {
  const asked = outputFormats.filter((format) => 'option' in format && values[format.name])
  if (asked.length > 1) {
    const names = asked.map(({ name }) => `--${name}`).join(' and ')
    throw new UsageError(`${names} are different formats`, { hint: 'leave one of them' })
  }
  return asked[0] ?? formatOfFile(values.output ?? '')
}
