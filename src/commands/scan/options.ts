import { UsageError } from '../../base/errors.ts'
import { choice, duration, flag, integer, type Kind, optional, path } from '../../options/kinds.ts'
import { type OptionSpec, option, type Values } from '../../options/spec.ts'
import { scanLimits } from '../../scan/limits.ts'
import { likelyPorts, portList } from '../../scan/ports.ts'
import { type FormatOption, outputFormats } from '../../scan/report/formats.ts'
import { excludedList, type Target, targetList } from '../../scan/targets.ts'
import { type EngineName, type PortState, portStates } from '../../scan/types.ts'
import { serveLimits } from '../../serve/limits.ts'

/** A time span that is not zero. */
const span: Kind<number> = {
  placeholder: duration.placeholder,
  parse(text) {
    const ms = duration.parse(text)
    if (ms < 1) throw new UsageError(`"${text}" is no time at all`)
    return ms
  },
}

/** `closed,filtered` or `all`; open ports are always among them. */
const states: Kind<readonly PortState[]> = {
  placeholder: 'STATES',
  parse(text) {
    const word = choice(...portStates, 'all')
    const named = text.split(',').map((piece) => word.parse(piece))
    return portStates.filter((state) => state === 'open' || named.includes('all') || named.includes(state))
  },
}

/** Targets, or a file's name that could be none: one behind `--diff` may have blanks in it, or be written as Windows does. */
const targetsOrReport: Kind<readonly Target[]> = {
  placeholder: targetList.placeholder,
  parse(text) {
    return /^[^@,].*[\\ ].*\.json$/i.test(text) ? [{ kind: 'file', path: text }] : targetList.parse(text)
  },
}

const none: readonly Target[] = []
const justOpen: readonly PortState[] = ['open']

const formatsWithOption = outputFormats.filter((format) => 'option' in format)

/** A switch for each format that has one: `--json`. */
const formatOptions = Object.fromEntries(
  formatsWithOption.map((format) => [format.name, option({ kind: flag, summary: format.option, default: false })]),
) as Readonly<Record<FormatOption, OptionSpec<boolean>>>

const endings = formatsWithOption.map(({ extensions: [extension] }) => `.${extension}`).join(', ')

/** Every option of `netlab scan`. */
export const scanOptions = {
  targets: option({
    kind: optional(targetsOrReport),
    summary:
      'names, addresses, HOST:PORT, networks, ranges, @FILE, or - for standard input; needed, or asked for on a terminal',
    default: undefined,
    defaultText: 'localhost',
    ask: 'What to scan, a name, an address or a network',
    askUnless: 'diff',
    repeatable: true,
  }),
  ports: option({
    kind: optional(portList),
    alias: 'p',
    summary: 'ports, ranges and services: 22,8000-8100,https; -p=-100 is 1 to 100',
    default: undefined,
    defaultText: '1-65535',
    repeatable: true,
  }),
  top: option({
    kind: optional(integer(1, likelyPorts.length)),
    summary: 'the N ports where something is most likely, by our judgement, instead of --ports',
    default: undefined,
  }),
  exclude: option({ kind: excludedList, summary: 'targets to leave out', default: none, repeatable: true }),
  excludePorts: option({
    kind: optional(portList),
    summary: 'ports to leave out',
    default: undefined,
    repeatable: true,
  }),
  allAddresses: option({ kind: flag, summary: 'every address of a name, not only the first', default: false }),
  anyAddress: option<boolean | undefined>({
    kind: optional(flag),
    summary: 'every address of a name, of which one that is open is enough for --expect and --wait',
    default: undefined,
    defaultText: 'with --wait',
  }),
  threads: option({
    kind: optional(integer(1, serveLimits.threads)),
    summary: 'at most so many threads, started as the work demands',
    default: undefined,
    defaultText: 'as many as pay',
  }),
  rate: option({
    kind: optional(integer(1, scanLimits.rateMax)),
    summary: 'probes a second, fixed',
    default: undefined,
    defaultText: 'what the network bears',
  }),
  timeout: option({
    kind: optional(span),
    summary: 'how long a probe waits for its answer, fixed',
    default: undefined,
    defaultText: 'from the round-trip times',
  }),
  retries: option({
    kind: optional(integer(0, scanLimits.retriesMax)),
    summary: 'probes after the first without an answer, fixed',
    default: undefined,
    defaultText: 'as the loss demands',
  }),
  concurrency: option({
    kind: optional(integer(1, scanLimits.probeCount)),
    summary: 'probes under way at a time, at most',
    default: undefined,
  }),
  engine: option<'auto' | EngineName>({
    kind: choice('auto', 'net', 'libc'),
    summary: 'how sockets are made: by Node, or by libc where that loads',
    default: 'auto',
  }),
  banner: option({ kind: flag, summary: 'take down what a service says first', default: false }),
  bannerTimeout: option({
    kind: optional(span),
    summary: 'how long a service may take to begin its banner; takes banners down, too',
    default: undefined,
    defaultText: `${scanLimits.bannerMs / 1000}s`,
  }),
  tlsInfo: option({
    kind: flag,
    summary: 'ask open ports for TLS in a second connection: version, ALPN, and whose certificate ends when',
    default: false,
  }),
  expectCertDays: option({
    kind: optional(integer(0, scanLimits.certificateDaysMax)),
    summary: 'exit 1 unless certificates are there and all valid for N days more; asks for TLS, too',
    default: undefined,
  }),
  stopAtTarpit: option({
    kind: flag,
    summary: 'leave a host that accepts nearly every port, as tarpits and port spoofers do',
    default: false,
  }),
  show: option({
    kind: states,
    summary: 'list ports of these states too: closed, filtered, unreachable, error, or all',
    default: justOpen,
    defaultText: 'open',
    repeatable: true,
  }),
  wait: option({
    kind: optional(span),
    summary: 'scan again until all names are known and all ports named are open, or the time is up; alone it means 60s',
    default: undefined,
    bare: '60s',
  }),
  expect: option({
    kind: optional(portList),
    summary: 'exit 1 unless all of these are open; without --ports only they are scanned',
    default: undefined,
    repeatable: true,
  }),
  ...formatOptions,
  output: option({
    kind: optional(path),
    alias: 'o',
    summary: `write the result to a file; its ending (${endings}) tells the format unless an option does`,
    default: undefined,
  }),
  diff: option({
    kind: optional(path),
    summary:
      'what changed since this report of --json: in the report given instead of targets, or else now; exit 1 if anything did',
    default: undefined,
  }),
  resume: option({
    kind: optional(path),
    summary: 'keep the state of an interrupted scan in this file, and continue from it',
    default: undefined,
  }),
  yes: option({ kind: flag, alias: 'y', summary: 'do not ask before a large or public scan', default: false }),
  quiet: option({
    kind: flag,
    alias: 'q',
    summary: 'no progress, and no messages but of what went wrong',
    default: false,
  }),
}

export type ScanValues = Values<typeof scanOptions>
