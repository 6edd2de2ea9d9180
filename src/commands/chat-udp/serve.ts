import type { EventSink } from '../../base/events.ts'
import { ExitCode } from '../../base/exit-codes.ts'
import { datagramLimits } from '../../datagram-chat/limits.ts'
import { type RelayServer, startRelay } from '../../datagram-chat/relay-socket.ts'
import { renderLine } from '../../log/render.ts'
import { formatEndpoint } from '../../net/address.ts'
import type { CommandContext } from '../command.ts'
import { openEventLog } from '../event-log.ts'
import { createServerConsole } from '../server-console.ts'
import { demandDescriptors } from '../start-checks.ts'
import { type ChatUdpValues, emulatorOptions, relayPort } from './options.ts'
import { askOnTerminal, roomPhrase, secrecy } from './questions.ts'
import { operateRelay, relayUsages } from './relay-console.ts'

const service = 'chat-udp'
/** Datagrams that are looked at for each message that is let through: acknowledgements, requests, repetitions. */
const datagramsPerMessage = datagramLimits.datagramsPerSecond / datagramLimits.fragmentsPerSecond

/** `netlab chat-udp --serve`: the relay, until it is stopped. */
export async function run(values: ChatUdpValues, context: CommandContext): Promise<ExitCode> {
  const { clock, machine, signal } = context
  const port = relayPort(values)
  // Nothing but the log has a thread of its own.
  demandDescriptors(machine.freeDescriptors(), 1, 0)
  const phrase = await roomPhrase(values, context, askOnTerminal(context))
  const terminal = createServerConsole(context, values.console)
  const log = openEventLog(values, context, terminal.talk)
  try {
    const startedMs = clock.monotonic()
    let joins = 0
    const record: EventSink = (event) => {
      if (event.type === 'member-joined') joins += 1
      log.record(event)
    }
    record({ type: 'starting', service, version: machine.version, pid: machine.pid, threads: 1 })
    const server = await startRelay(
      {
        ...{
          host: values.host?.host ?? '::',
          port,
          strictPort: values.strictPort,
          room: values.room ?? 'lobby',
        },
        ...{ maxMembers: values.maxMembers, maxMembersPerAddress: values.maxMembersPerAddress },
        fragmentsPerSecond: values.maxRate,
        datagramsPerSecond: Math.max(datagramLimits.datagramsPerSecond, values.maxRate * datagramsPerMessage),
        ...{ phrase, network: emulatorOptions(values), discoverable: values.discovery },
      },
      clock,
      record,
    )
    record({ type: 'listening', service, host: server.host, port: server.port, asked: port })
    announce(server, port, context)
    terminal.talk(secrecy(phrase !== undefined))
    context.tellSupervisor('ready')
    const reason = await untilStopped(signal, (stop) => {
      const tools = {
        server,
        room: values.room ?? 'lobby',
        upMs: () => clock.monotonic() - startedMs,
        tail: async (lines: number) => (await log.tail(lines)).map(renderLine),
        clearLogs: () => log.clear(),
        record,
        stop: () => stop('asked by the operator'),
      }
      terminal.operate(service, relayUsages, (line) => operateRelay(line, tools))
    })
    context.tellSupervisor('stopping')
    server.stop()
    record({
      type: 'stopped',
      service,
      reason,
      connections: joins,
      uptimeMs: Math.round(clock.monotonic() - startedMs),
    })
    return ExitCode.ok
  } finally {
    terminal.close()
    await log.close()
  }
}

function untilStopped(signal: AbortSignal, operate: (stop: (reason: string) => void) => void): Promise<string> {
  return new Promise((stop) => {
    const onAbort = () => stop(String(signal.reason))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    operate(stop)
  })
}

/** The one line on stdout, and on a terminal what to type on other machines. */
function announce({ host, port }: RelayServer, asked: number, context: CommandContext): void {
  const fallback = asked !== 0 && port !== asked ? ` (port ${asked} is taken)` : ''
  context.stdout.write(`${service}: listening on ${formatEndpoint(host, port)}${fallback}\n`)
  const everywhere = host === '::' || host === '0.0.0.0'
  if (!everywhere || context.stdout.isTTY !== true) return
  for (const address of context.machine.addresses()) {
    context.stderr.write(`from another machine: netlab chat-udp ${formatEndpoint(address, port)}\n`)
  }
}
