import { ExitCode, NetlabError, NetworkError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { describe } from '../log/render.ts'
import type { Endpoint } from '../net/address.ts'
import type { KeyPair } from '../net/certificate.ts'
import { flag, optional, path, text } from '../options/kinds.ts'
import { type OptionSpecs, option, type Values } from '../options/spec.ts'
import { allProtocols, findProtocol } from '../protocols/index.ts'
import { serveLimits } from '../serve/limits.ts'
import { commandsWith, serverCommands } from '../serve/operator-commands.ts'
import { insecureOption, listenerOptions, type ServeConfig } from '../serve/options.ts'
import type { Preflight, ProtocolDefinition } from '../serve/protocol.ts'
import { type Server, startServer } from '../serve/server.ts'
import { consoleCommands, OperatorConsole } from '../terminal/operator-console.ts'
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

/** The command that serves one protocol: its own options and those of every server. */
function serveCommand(protocol: ProtocolDefinition): Command {
  return defineCommand({
    name: protocol.name,
    summary: protocol.summary,
    options: { ...protocol.options, ...listenerOptionsOf(protocol), ...serverOptions },
    examples: [
      [`netlab serve ${protocol.name}`, `serve on port ${protocol.defaultPort}, or the next free one`],
      [
        `netlab serve ${protocol.name} --host 127.0.0.1 --port 0 --log-to console`,
        'this machine only, any port, events on the terminal',
      ],
    ],
    run: (values: ServeValues, context) => serve(protocol, values, context),
  })
}

/** An option is offered only where it does something. */
function listenerOptionsOf({ defaultPort, secrets }: ProtocolDefinition): OptionSpecs {
  return { ...listenerOptions(defaultPort), ...(secrets === true && insecureOption) }
}

async function serve(protocol: ProtocolDefinition, given: ServeValues, context: CommandContext): Promise<ExitCode> {
  const services = { ask: askOnTerminal(context), readFirstLine }
  const values: ServeValues = { ...given, ...(await protocol.completeOptions?.(given, services)) }
  const { clock, machine, signal, startThread } = context
  const freeDescriptors = machine.freeDescriptors()
  const threads = values.threadPerClient ? 0 : values.threads
  // The shared state keeps its files in up to two storage threads.
  const storageThreads = protocol.openSharedState === undefined ? 0 : 2
  // One more thread listens, one writes the log.
  demandDescriptors(freeDescriptors, threads + 2, Math.max(0, threads - 1), storageThreads)
  demandAddressSpace(machine.addressSpaceBytes(), threads + storageThreads)
  // The one that listens was prewarmed, and is counted already.
  const forClients = freeDescriptors - serveLimits.threadDescriptors - storageThreads * serveLimits.storageDescriptors
  const terminal = new OperatorConsole(context, values.console)
  let reload = (): void => undefined
  context.onReload(() => reload())
  const certificate = await openCertificate(values, context)
  const log = openEventLog(values, protocol.name, context, terminal.diagnostic)
  const record: EventSink = (event) => log.record(event)
  const tell: EventSink = (event) => {
    record(event)
    if (values.logTo === 'file' || values.logTo === 'none') terminal.diagnostic(describe(event))
  }
  let preflight: Preflight | undefined
  let watch: CertificateWatch | undefined
  // While threads start.
  const remote = new RemoteControl([protocol.name], values, context, record)
  try {
    const config = configOf(protocol, values, forClients, machine.memoryBytes(), certificate?.current)
    const server = await startServer(config, {
      log,
      clock,
      startThread,
      version: machine.version,
      pid: machine.pid,
      announce: terminal.diagnostic,
      preflight: async () => {
        preflight = await protocol.preflight?.(values, { clock, notice: terminal.diagnostic })
        return preflight?.complete ?? false
      },
    }).catch((error: unknown) => {
      throw withHolder(error, values.port, context)
    })
    const service = protocol.name
    const own = await protocol.operatorCommands?.()
    const commands = consoleCommands(service, {
      table: own === undefined ? serverCommands : commandsWith(own),
      target: {
        service,
        server,
        log: operatorLog(log, values, () => server.flushLog()),
        record,
        residentBytes: machine.residentBytes,
      },
      record,
    })
    await remote.serve(commands, () => server.isStopping)
    announce(protocol, values, server.endpoint, context)
    void terminal.start(service, commands)
    watch =
      certificate && (await watchCertificate(certificate, { clock, tell, use: (pair) => server.useCertificate(pair) }))
    reload = () => {
      tell({ type: 'reloaded' })
      void watch?.reload()
    }
    stopOn(signal, server, () => context.tellSupervisor('stopping'))
    context.tellSupervisor('ready')
    await server.stopped
    return ExitCode.ok
  } finally {
    watch?.close()
    preflight?.release()
    terminal.close()
    await log.close()
    await remote.close()
  }
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
  endpoint: Required<Endpoint>,
  context: CommandContext,
): void {
  const addresses = announceListening(protocol.name, endpoint, values.port, context)
  const tls = values.tls || values.tlsCert !== undefined
  if (addresses.length > 0 && protocol.secrets === true && !tls && !values.insecure) {
    context.stderr.write('from another machine nobody can log in without TLS: start with --tls\n')
    return
  }
  for (const address of addresses) {
    context.stderr.write(`from another machine: netlab connect ${address}${tls ? ' --tls' : ''}\n`)
  }
}

function stopOn(signal: AbortSignal, server: Server, stopping: () => void): void {
  const stop = () => {
    stopping()
    void server.stop(String(signal.reason))
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
}

/** Says who has the port, where the system tells. */
function withHolder(error: unknown, port: number, { machine }: CommandContext): unknown {
  if (!(error instanceof NetlabError) || error.code !== 'EADDRINUSE') return error
  const holder = machine.portHolder(port)
  if (holder === undefined) return error
  const hint = error.hint === undefined ? {} : { hint: error.hint }
  return new NetworkError(error.code, `${error.message} by ${holder}`, { cause: error, ...hint })
}
