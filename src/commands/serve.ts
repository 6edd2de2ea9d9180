import type { MessagePort } from 'node:worker_threads'
import { ExitCode, NetlabError, NetworkError, StorageError, UsageError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { suggest } from '../base/suggest.ts'
import type { EventLogWriter } from '../log/line-writer.ts'
import { describe } from '../log/render.ts'
import type { Endpoint } from '../net/address.ts'
import type { KeyPair } from '../net/certificate.ts'
import { flag, optional, path, port, text } from '../options/kinds.ts'
import { type OptionSpecs, option, type Values } from '../options/spec.ts'
import { allProtocols, findProtocol, protocolNames } from '../protocols/index.ts'
import { serveLimits } from '../serve/limits.ts'
import type { OperatorLog } from '../serve/log-commands.ts'
import { commandsWith, type ServerTarget, serverCommands } from '../serve/operator-commands.ts'
import { insecureOption, listenerOptions, type ServeConfig } from '../serve/options.ts'
import type { CommonOwner, CommonState, Preflight, ProtocolDefinition } from '../serve/protocol.ts'
import { type Server, startServer } from '../serve/server.ts'
import {
  type ConsoleCommands,
  consoleCommands,
  OperatorConsole,
  type OperatorTable,
} from '../terminal/operator-console.ts'
import type { CertificateWatch, CertificateWatchOptions } from './certificate-watch.ts'
import { askOnTerminal, type Command, type CommandContext, type CommandLeaf, defineCommand, loaded } from './command.ts'
import { operationOptions, readFirstLine } from './input.ts'
import type { ServerCertificate } from './server-certificate.ts'
import {
  announceListening,
  demandAddressSpace,
  demandDescriptors,
  openEventLog,
  operatorLog,
  RemoteControl,
} from './server-start.ts'

/** The options of every server that only this command reads. */
const serverOptions = {
  tls: option({ kind: flag, summary: 'take TLS; plain clients then only from this machine', default: false }),
  tlsCert: option({
    kind: optional(path),
    summary: 'certificate chain (PEM); implies --tls',
    default: undefined,
    defaultText: 'one made at the first start and kept in netlab-tls.pem',
  }),
  tlsKey: option({
    kind: optional(path),
    summary: 'private key (PEM) of --tls-cert',
    default: undefined,
    defaultText: 'in the file of --tls-cert',
  }),
  tlsPassphraseFile: option({
    kind: optional(path),
    summary: 'take the passphrase of an encrypted --tls-key from the first line of this file',
    default: undefined,
    defaultText: 'asked for on a terminal',
  }),
  tlsPassphrase: option({
    kind: optional(text),
    secret: true,
    summary: 'the passphrase of an encrypted --tls-key',
    default: undefined,
  }),
  ...operationOptions(),
} as const

/** All that `serve NAME` is told; of the protocol's own options only the protocol knows the types. */
type ServeValues = Values<ReturnType<typeof listenerOptions>> &
  Partial<Values<typeof insecureOption>> &
  Values<typeof serverOptions> &
  Values<OptionSpecs>

/** `netlab serve NAME`, one command for each protocol of the registry. */
export async function serveCommands(): Promise<readonly CommandLeaf[]> {
  return (await allProtocols()).map((protocol) => loaded(serveCommand(protocol)))
}

/** The one of them that is called so. */
export async function findServeCommand(name: string): Promise<CommandLeaf | undefined> {
  const protocol = await findProtocol(name)
  return protocol === undefined ? undefined : loaded(serveCommand(protocol))
}

/** `netlab serve ident auth chat`: several in one process. @throws {UsageError} */
export async function serveTogether(names: readonly string[]): Promise<CommandLeaf> {
  const unknown = names.find((name) => !protocolNames.includes(name))
  if (unknown !== undefined) {
    const near = suggest(unknown, protocolNames)
    throw new UsageError(`netlab serve knows no "${unknown}"${near === undefined ? '' : `; did you mean ${near}?`}`, {
      hint:
        unknown === 'chat-udp'
          ? 'the relay of chat-udp is a process of its own, which may run beside: netlab chat-udp --serve'
          : `it serves ${protocolNames.join(', ')}; options begin with --`,
    })
  }
  const twice = names.find((name, at) => names.indexOf(name) < at)
  if (twice !== undefined) {
    throw new UsageError(`${twice} is named twice`, { hint: 'a second one needs a process, and a --port, of its own' })
  }
  const all = await Promise.all(protocolNames.filter((name) => names.includes(name)).map(findProtocol))
  const [first, ...others] = all.filter((protocol) => protocol !== undefined)
  if (first === undefined) throw new Error('no protocol is named')
  return loaded(serveCommand(first, ...others))
}

/** The command that serves these protocols in one process: their own options and those of every server. */
function serveCommand(protocol: ProtocolDefinition, ...others: readonly ProtocolDefinition[]): Command {
  const protocols = [protocol, ...others]
  const name = protocols.map((one) => one.name).join(' ')
  const ports = protocols.map(({ defaultPort }) => defaultPort).join(', ')
  return defineCommand({
    name,
    summary:
      others.length === 0
        ? protocol.summary
        : `${name}: in one process, with one console, one log and the same accounts`,
    options: optionsOf(protocols),
    examples: [
      [
        `netlab serve ${name}`,
        others.length === 0 ? `serve on port ${ports}, or the next free one` : `serve on ports ${ports}`,
      ],
      [
        `netlab serve ${name} --host 127.0.0.1 ${others.length === 0 ? '--port 0 ' : ''}--log-to console`,
        `this machine only${others.length === 0 ? ', any port' : ''}, events on the terminal`,
      ],
      ...(others.length === 0
        ? ([['netlab serve ident auth chat', 'several in one process, with the same accounts']] as const)
        : []),
    ],
    run: (values: ServeValues, context) => serve(protocols, values, context),
  })
}

/** Several services have a port each, `--auth-port`, and all else in common. */
function optionsOf(protocols: readonly ProtocolDefinition[]): OptionSpecs {
  const specs: OptionSpecs = Object.assign(
    {},
    ...protocols.map((one) => ({ ...one.options, ...listenerOptionsOf(one) })),
  )
  const all: OptionSpecs = { ...specs, ...serverOptions }
  if (protocols.length === 1) return all
  const ports = protocols.map(({ name, defaultPort }) => {
    const summary = `port of ${name}; 0 takes any free one`
    return [portName(name), option({ kind: port, summary, default: defaultPort, ask: `Port of ${name}` })] as const
  })
  const { host, port: _one, ...others } = all
  return { ...(host !== undefined && { host }), ...Object.fromEntries(ports), ...others }
}

/** `authPort` */
function portName(service: string): string {
  return `${service}Port`
}

/** An option is offered only where it does something. */
function listenerOptionsOf({ defaultPort, secrets }: ProtocolDefinition): OptionSpecs {
  return { ...listenerOptions(defaultPort), ...(secrets === true && insecureOption) }
}

/** A service of this process. */
interface Service {
  readonly protocol: ProtocolDefinition
  readonly server: Server
  /** The port that was asked for. */
  readonly port: number
  readonly log: EventLogWriter
}

async function serve(
  protocols: readonly ProtocolDefinition[],
  given: ServeValues,
  context: CommandContext,
): Promise<ExitCode> {
  const values = await completed(protocols, given, context)
  const { clock, machine, signal, startThread } = context
  const freeDescriptors = machine.freeDescriptors()
  const threads = (values.threadPerClient ? 0 : values.threads) * protocols.length
  const withState = protocols.filter(({ openSharedState }) => openSharedState !== undefined).length
  // A shared state keeps its files in up to two storage threads, of which services share one.
  const storageThreads = withState === 0 ? 0 : withState + 1
  // One more thread listens for each service, one writes the log.
  const atStart = threads + protocols.length + 1
  demandDescriptors(freeDescriptors, atStart, Math.max(0, threads - protocols.length), storageThreads)
  demandAddressSpace(machine.addressSpaceBytes(), atStart - 2 + storageThreads)
  // The first one that listens was prewarmed, and is counted already.
  const forClients =
    freeDescriptors - protocols.length * serveLimits.threadDescriptors - storageThreads * serveLimits.storageDescriptors
  const terminal = new OperatorConsole(context, values.console)
  let reload = (): void => undefined
  context.onReload(() => reload())
  const certificate = await openCertificate(values, context)
  const names = protocols.map(({ name }) => name)
  const log = openEventLog(values, names.join('+'), context, terminal.diagnostic)
  const record: EventSink = (event) => log.record(event)
  const tell: EventSink = (event) => {
    record(event)
    if (values.logTo === 'file' || values.logTo === 'none') terminal.diagnostic(describe(event))
  }
  const preflights: Preflight[] = []
  const services: Service[] = []
  const stopAll = async (reason: string): Promise<void> => {
    await Promise.all(services.map(({ server }) => server.stop(reason)))
  }
  let watch: CertificateWatch | undefined
  let common: CommonOwners | undefined
  // While threads start.
  const remote = new RemoteControl(names, values, context, record)
  try {
    const memoryBytes = machine.memoryBytes() / protocols.length
    common = await CommonOwners.open(protocols, values, { startThread, record, memoryBytes }).catch(
      async (error: unknown) => {
        throw await withNextStep(error, names, 0, context)
      },
    )
    for (const protocol of protocols) {
      const port = protocols.length === 1 ? values.port : (values[portName(protocol.name)] as number)
      const own = { ...values, port }
      const config = configOf(
        protocol,
        own,
        Math.floor(forClients / protocols.length),
        memoryBytes,
        certificate?.current,
      )
      const serviceLog = protocols.length === 1 ? log : log.of(protocol.name)
      const way = common.connect(protocol)
      const server = await startServer(config, {
        log: serviceLog,
        clock,
        startThread,
        version: machine.version,
        pid: machine.pid,
        announce: terminal.diagnostic,
        ...(way !== undefined && { common: way }),
        preflight: async () => {
          const preflight = await protocol.preflight?.(own, {
            clock,
            notice: terminal.diagnostic,
            isCommonOpen: way !== undefined,
          })
          if (preflight !== undefined) preflights.push(preflight)
          return preflight?.complete ?? false
        },
      }).catch(async (error: unknown) => {
        throw await withNextStep(error, names, port, context)
      })
      services.push({ protocol, server, port, log: serviceLog })
    }
    const flush = async (): Promise<void> => {
      await Promise.all(services.map(({ server }) => server.flushLog()))
    }
    const commands = await consoleOf(services, operatorLog(log, values, flush), record, machine)
    await remote.serve(commands, () => services.some(({ server }) => server.isStopping))
    for (const { protocol, server, port } of services) announce(protocol, values, port, server.endpoint, context)
    void terminal.start(names.join('+'), commands)
    const use = (pair: KeyPair): void => {
      for (const { server } of services) server.useCertificate(pair)
    }
    watch = certificate && (await watchCertificate(certificate, { clock, tell, use }))
    reload = () => {
      tell({ type: 'reloaded' })
      void watch?.reload()
    }
    stopOn(signal, stopAll, () => context.tellSupervisor('stopping'))
    context.tellSupervisor('ready')
    // Whoever stops one of them, or what ends it, ends them all.
    await stopAll(await Promise.race([...services.map(({ server }) => server.stopped), common.failed]))
    return ExitCode.ok
  } finally {
    watch?.close()
    await stopAll('another service has failed')
    await common?.close()
    for (const preflight of preflights) preflight.release()
    terminal.close()
    await log.close()
    await remote.close()
  }
}

/** What a person or a file still has to say, such as a secret. @throws {NetlabError} */
async function completed(
  protocols: readonly ProtocolDefinition[],
  given: ServeValues,
  context: CommandContext,
): Promise<ServeValues> {
  const services = { ask: askOnTerminal(context), readFirstLine }
  let values = given
  for (const { completeOptions } of protocols) values = { ...values, ...(await completeOptions?.(values, services)) }
  return values
}

/** What several services share: opened before the first of them, and closed after the last. */
class CommonOwners {
  /** Rejects when one of them has failed. */
  readonly failed: Promise<never>
  readonly #owners: ReadonlyMap<string, CommonOwner>

  private constructor(owners: ReadonlyMap<string, CommonOwner>, failed: Promise<never>) {
    this.#owners = owners
    this.failed = failed
  }

  /** Opens what at least two of them share. @throws {NetlabError} */
  static async open(
    protocols: readonly ProtocolDefinition[],
    values: ServeValues,
    services: Omit<Parameters<CommonState['open']>[1], 'fail'>,
  ): Promise<CommonOwners> {
    const failed = Promise.withResolvers<never>()
    failed.promise.catch(() => undefined)
    const owners = new Map<string, CommonOwner>()
    const states = protocols.flatMap(({ common }) => common ?? [])
    for (const state of states) {
      const isShared = states.filter(({ name }) => name === state.name).length > 1
      if (!isShared || owners.has(state.name)) continue
      owners.set(state.name, await state.open(values, { ...services, fail: failed.reject }))
    }
    return new CommonOwners(owners, failed.promise)
  }

  /** The way of one service to what it shares; undefined where it shares nothing. */
  connect({ common }: ProtocolDefinition): MessagePort | undefined {
    return common === undefined ? undefined : this.#owners.get(common.name)?.connect()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#owners.values()].map((owner) => owner.close()))
  }
}

/** What can be typed at the console of one service, or of several. */
async function consoleOf(
  services: readonly Service[],
  log: OperatorLog,
  record: EventSink,
  { residentBytes }: CommandContext['machine'],
): Promise<ConsoleCommands> {
  const targets: {
    readonly service: string
    readonly table: OperatorTable<ServerTarget>
    readonly target: ServerTarget
  }[] = []
  const single = new Map<string, ConsoleCommands>()
  for (const { protocol, server, log: own } of services) {
    const service = protocol.name
    const commands = await protocol.operatorCommands?.()
    const table = commands === undefined ? serverCommands : commandsWith(commands)
    const recordOwn: EventSink = (event) => own.record(event)
    const target = { service, server, log, record: recordOwn, residentBytes }
    targets.push({ service, table, target })
    single.set(service, consoleCommands(service, { table, target, record }))
  }
  const [only, another] = single.values()
  if (only !== undefined && another === undefined) return only
  // Loaded where it is wanted only.
  const { groupTable, serviceConsole } = await import('../serve/group-commands.ts')
  const addressed = new Map([...single].map(([name, { carryOut }]) => [name, carryOut] as const))
  const table = groupTable(targets.map(({ service, table, target }) => serviceConsole(service, table, target)))
  return consoleCommands(services.map(({ protocol }) => protocol.name).join('+'), {
    services: addressed,
    table,
    target: undefined,
    record,
  })
}

/** Without TLS nothing is loaded that knows of keys: it would take a third of the time to start. */
async function openCertificate(values: ServeValues, context: CommandContext): Promise<ServerCertificate | undefined> {
  const { tls, tlsCert, tlsKey, tlsPassphraseFile } = values
  if (!tls && (tlsCert ?? tlsKey ?? tlsPassphraseFile) === undefined) return undefined
  const { ServerCertificate } = await import('./server-certificate.ts')
  return ServerCertificate.open(values, context.clock.now(), askOnTerminal(context))
}

async function watchCertificate(
  certificate: ServerCertificate,
  options: CertificateWatchOptions,
): Promise<CertificateWatch> {
  const { CertificateWatch } = await import('./certificate-watch.ts')
  const watch = new CertificateWatch(certificate, options)
  watch.start()
  return watch
}

function configOf(
  protocol: ProtocolDefinition,
  values: ServeValues,
  freeDescriptors: number,
  memoryBytes: number,
  pair: KeyPair | undefined,
): ServeConfig {
  return {
    ...pick(listenerOptionsOf(protocol), values),
    protocol: protocol.name,
    freeDescriptors,
    memoryBytes,
    ...(pair !== undefined && { certificate: { cert: pair.cert, key: pair.key } }),
    options: pick(protocol.options, values),
  }
}

/** The values of these options alone. */
function pick<V extends Values<OptionSpecs>>(specs: OptionSpecs, values: V): V {
  return Object.fromEntries(Object.keys(specs).map((name) => [name, values[name]])) as V
}

/** Says where it listens, and on a terminal what to type on other machines. */
function announce(
  protocol: ProtocolDefinition,
  values: ServeValues,
  asked: number,
  endpoint: Required<Endpoint>,
  context: CommandContext,
): void {
  const addresses = announceListening(protocol.name, endpoint, asked, context)
  const tls = values.tls || values.tlsCert !== undefined
  if (addresses.length > 0 && protocol.secrets === true && !tls && !values.insecure) {
    context.stderr.write('from another machine nobody can log in without TLS: start with --tls\n')
    return
  }
  for (const address of addresses) {
    context.stderr.write(`from another machine: netlab connect ${address}${tls ? ' --tls' : ''}\n`)
  }
}

function stopOn(signal: AbortSignal, stopAll: (reason: string) => Promise<void>, stopping: () => void): void {
  const stop = () => {
    stopping()
    void stopAll(String(signal.reason))
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
}

/** Says who has the port, where the system tells, and how to share accounts with a server that has them. */
async function withNextStep(
  error: unknown,
  own: readonly string[],
  port: number,
  { machine, clock }: CommandContext,
): Promise<unknown> {
  if (!(error instanceof NetlabError)) return error
  const hint = error.hint === undefined ? {} : { hint: error.hint }
  if (error.code === 'IN_USE') {
    const { servicesHere } = await import('../control/control-client.ts')
    const others = await servicesHere(clock).catch((): readonly string[] => [])
    const names = protocolNames.filter((one) => own.includes(one) || others.includes(one))
    if (names.length < 2) return error
    const together = `To have both, stop that server and start them as one: netlab serve ${names.join(' ')}`
    return new StorageError(error.code, error.message, { cause: error, hint: `${together}. ${error.hint ?? ''}` })
  }
  const holder = error.code === 'EADDRINUSE' ? machine.portHolder(port) : undefined
  return holder === undefined
    ? error
    : new NetworkError(error.code, `${error.message} by ${holder}`, { cause: error, ...hint })
}
