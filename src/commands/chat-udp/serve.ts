import { ExitCode } from '../../base/errors.ts'
import type { EventSink } from '../../base/events.ts'
import { datagramLimits } from '../../datagram-chat/limits.ts'
import { startRelay } from '../../datagram-chat/relay-socket.ts'
import { consoleCommands, OperatorConsole } from '../../terminal/operator-console.ts'
import { askOnTerminal, type CommandContext } from '../command.ts'
import { announceListening, demandDescriptors, openEventLog, operatorLog, RemoteControl } from '../server-start.ts'
import { type ChatUdpValues, emulatorOptions, relayPort } from './options.ts'
import { relayCommands } from './relay-commands.ts'
import { roomPhrase, secrecy } from './room-key.ts'

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
  const terminal = new OperatorConsole(context, values.console)
  const log = openEventLog(values, service, context, terminal.diagnostic)
  const remote = new RemoteControl([service], values, context, (event) => log.record(event))
  try {
    const startedMs = clock.monotonic()
    let joins = 0
    const record: EventSink = (event) => {
      if (event.type === 'member-joined') joins += 1
      log.record(event)
    }
    context.onReload(() => record({ type: 'reloaded' }))
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
    const stop = Promise.withResolvers<string>()
    let isStopping = false
    void stop.promise.then(() => {
      isStopping = true
    })
    const target = {
      server,
      room: values.room ?? 'lobby',
      log: operatorLog(log, values),
      record,
      upMs: () => clock.monotonic() - startedMs,
      stop: () => stop.resolve('asked by the operator'),
    }
    const commands = consoleCommands(service, { table: relayCommands, target, record })
    await remote.serve(commands, () => isStopping)
    for (const address of announceListening(service, server, port, context)) {
      context.stderr.write(`from another machine: netlab chat-udp ${address}\n`)
    }
    terminal.diagnostic(secrecy(phrase !== undefined))
    context.tellSupervisor('ready')
    const onAbort = () => stop.resolve(String(signal.reason))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    void terminal.start(service, commands)
    const reason = await stop.promise
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
    await remote.close()
  }
}
