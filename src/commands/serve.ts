import { statSync } from 'node:fs'
import { NetlabError, NetworkError, StorageError } from '../base/errors.ts'
import type { NetlabEvent } from '../base/events.ts'
import { ExitCode } from '../base/exit-codes.ts'
import { limits } from '../base/limits.ts'
import { renderLine } from '../log/render.ts'
import { formatEndpoint } from '../net/address.ts'
import type { KeyPair } from '../net/certificate.ts'
import type { OptionSpecs, Values } from '../options/spec.ts'
import { allProtocols, findProtocol } from '../protocols/index.ts'
import type { ServeConfig } from '../serve/config.ts'
import type { Endpoint } from '../serve/listener.ts'
import { operate, operatorUsages } from '../serve/operator-console.ts'
import type { ProtocolDefinition } from '../serve/protocol.ts'
import { type Server, startServer } from '../serve/server.ts'
import { type Command, type CommandContext, type CommandLeaf, defineCommand, loaded } from './command.ts'
import { openEventLog } from './event-log.ts'
import { serveOptions } from './serve-options.ts'
import { createServerConsole } from './server-console.ts'
import { demandAddressSpace, demandDescriptors } from './start-checks.ts'

type CommonValues = Values<ReturnType<typeof serveOptions>>

/** `netlab serve NAME`, one command for each protocol of the registry. */
export async function serveCommands(): Promise<readonly CommandLeaf[]> {
  return (await allProtocols()).map((protocol) => loaded(serveCommand(protocol)))
}

/** The one of them that is called so. */
export async function findServeCommand(name: string): Promise<CommandLeaf | undefined> {
  const protocol = await findProtocol(name)
  return protocol === undefined ? undefined : loaded(serveCommand(protocol))
}

/** The command that serves one protocol: the common options and its own. */
function serveCommand(protocol: ProtocolDefinition): Command {
  const common = serveOptions(protocol.defaultPort)
  return defineCommand({
    name: protocol.name,
    summary: protocol.summary,
    options: { ...protocol.options, ...common },
    examples: [
      [`netlab serve ${protocol.name}`, `serve on port ${protocol.defaultPort}, or the next free one`],
      [
        `netlab serve ${protocol.name} --host 127.0.0.1 --port 0 --log-to console`,
        'this machine only, any port, events on the terminal',
      ],
    ],
    run: (values: CommonValues & Values<OptionSpecs>, context) => serve(protocol, values, context),
  })
}

async function serve(
  protocol: ProtocolDefinition,
  values: CommonValues & Values<OptionSpecs>,
  context: CommandContext,
): Promise<ExitCode> {
  const { clock, machine, signal, startThread } = context
  if (statSync(values.users, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new StorageError('EISDIR', `${values.users} is a folder`, { hint: 'name a file with --users' })
  }
  const freeDescriptors = machine.freeDescriptors()
  const threads = values.threadPerClient ? 0 : values.threads
  // The shared state keeps its files in up to two storage threads.
  const storageThreads = protocol.openSharedState === undefined ? 0 : 2
  // One more thread listens, one writes the log.
  demandDescriptors(freeDescriptors, threads + 2, Math.max(0, threads - 1), storageThreads)
  demandAddressSpace(machine.addressSpaceBytes(), threads + storageThreads)
  // The one that listens was prepared, and is counted already.
  const forClients = freeDescriptors - limits.threadDescriptors - storageThreads * limits.storageDescriptors
  const terminal = createServerConsole(context, values.console)
  const tls = await certificate(values, clock.now(), terminal.talk)
  const log = openEventLog(values, context, terminal.talk)
  try {
    const server = await startServer(configOf(protocol, values, forClients, tls), {
      log,
      clock,
      startThread,
      version: machine.version,
      pid: machine.pid,
      preflight: async () =>
        (await protocol.preflight?.(values, { files: values, clock, processes: machine })) ?? false,
    }).catch((error: unknown) => {
      throw withHolder(error, values.port, context)
    })
    announce(protocol, values, server.endpoint, context)
    const tools = {
      service: protocol.name,
      server,
      clock,
      record: (event: NetlabEvent) => log.record(event),
      residentBytes: machine.residentBytes,
      tail: async (lines: number) => (await log.tail(lines)).map(renderLine),
      clearLogs: () => log.clear(),
    }
    terminal.operate(protocol.name, operatorUsages, (line) => operate(line, tools))
    stopOn(signal, server, () => context.tellSupervisor('stopping'))
    context.tellSupervisor('ready')
    await server.stopped
    return ExitCode.ok
  } finally {
    terminal.close()
    await log.close()
  }
}

/** Without TLS nothing is loaded that knows of keys: it would take a third of the time to start. */
async function certificate(
  values: CommonValues,
  nowMs: number,
  talk: (sentence: string) => void,
): Promise<KeyPair | undefined> {
  if (!values.tls && values.tlsCert === undefined && values.tlsKey === undefined) return undefined
  const { serverCertificate } = await import('./server-certificate.ts')
  const { fingerprint } = await import('../net/certificate.ts')
  const pair = serverCertificate(values, nowMs)
  if (pair !== undefined) talk(`certificate fingerprint (SHA-256): ${fingerprint(pair.cert)}`)
  return pair
}

function configOf(
  protocol: ProtocolDefinition,
  values: CommonValues & Values<OptionSpecs>,
  freeDescriptors: number,
  tls: KeyPair | undefined,
): ServeConfig {
  const own = Object.keys(protocol.options).map((name) => [name, values[name]])
  return {
    protocol: protocol.name,
    host: values.host,
    port: values.port,
    strictPort: values.strictPort,
    threads: values.threads,
    threadPerClient: values.threadPerClient,
    maxClients: values.maxClients,
    freeDescriptors,
    idleMs: values.idleTimeout,
    framing: values.framing,
    allowStop: values.allowStop,
    ...(tls !== undefined && { tls }),
    plaintext: values.plaintext,
    insecure: values.insecure,
    users: values.users,
    db: values.db,
    options: Object.fromEntries(own),
  }
}

/** The one line on stdout: `echo: listening on 127.0.0.1:9007`. */
function announce(
  protocol: ProtocolDefinition,
  values: CommonValues,
  endpoint: Endpoint,
  context: CommandContext,
): void {
  const { host, port } = endpoint
  const fallback = values.port !== 0 && port !== values.port ? ` (port ${values.port} is taken)` : ''
  context.stdout.write(`${protocol.name}: listening on ${formatEndpoint(host, port)}${fallback}\n`)
  const everywhere = host === '::' || host === '0.0.0.0'
  if (!everywhere || context.stdout.isTTY !== true) return
  const tls = values.tls || values.tlsCert !== undefined
  if (protocol.secrets === true && !tls && !values.insecure) {
    context.stderr.write('from another machine nobody can log in without TLS: start with --tls, or see --insecure\n')
    return
  }
  for (const address of context.machine.addresses()) {
    const words = `netlab connect ${formatEndpoint(address, port)}${tls ? ' --tls' : ''}`
    context.stderr.write(`from another machine: ${words}\n`)
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
