import { platform } from 'node:os'
import { resolve } from 'node:path'
import { errorCode, NetworkError, reasonOf, StorageError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import type { ControlServer } from '../control/control-server.ts'
import { type EventLog, startLog } from '../log/event-log.ts'
import { logLimits } from '../log/limits.ts'
import type { LogDestination } from '../log/messages.ts'
import { renderLine } from '../log/render.ts'
import { formatEndpoint } from '../net/address.ts'
import { parseIp } from '../net/ip.ts'
import { protocolNames } from '../protocols/index.ts'
import { serveLimits } from '../serve/limits.ts'
import type { OperatorLog } from '../serve/log-commands.ts'
import { type ConsoleCommands, nothingDone } from '../terminal/operator-console.ts'
import type { CommandContext } from './command.ts'
import { commandLimits } from './limits.ts'

export interface EventLogOptions {
  readonly logTo: LogDestination
  readonly logFile: string
}

/**
 * Opens the event log of a server as --log-to and --log-file ask; it is complete at every way out of the process.
 * `service` is what its own lines are said to be of; `diagnostic` shows its console lines and its troubles.
 * @throws {StorageError} also when the current folder is gone: no thread can be started then.
 */
export function openEventLog(
  { logTo, logFile }: EventLogOptions,
  service: string,
  { clock, machine, startThread, onExit }: CommandContext,
  diagnostic: (line: string) => void,
): EventLog {
  demandFolder()
  const origin = { service, pid: machine.pid }
  const settings = { to: logTo, file: logFile, maxBytes: logLimits.fileBytes, maxFiles: logLimits.fileCount, origin }
  const log = startLog(settings, startThread, clock, diagnostic, diagnostic)
  onExit(() => log.closeSync())
  return log
}

/** What `netlab control` reaches of this process, from the start on; commands wait until it is up. */
export class RemoteControl {
  readonly #context: CommandContext
  readonly #services: readonly string[]
  readonly #commands = Promise.withResolvers<ConsoleCommands>()
  #isStopping = (): boolean => false
  #opening: Promise<void> = Promise.resolve()
  #server: ControlServer | undefined
  #closed = false

  /** Begins to open the control socket, unless none is wanted. Where none can be, the log says so, and the server goes on. */
  constructor(
    services: readonly string[],
    { control }: { readonly control: boolean },
    context: CommandContext,
    record: EventSink,
  ) {
    this.#services = services
    this.#context = context
    if (!control || platform() === 'win32') return
    this.#opening = this.#open().catch((error: unknown) => {
      record({ type: 'control-failed', error: reasonOf(error) })
    })
    // Also where a second signal ends the process at once.
    context.onExit(() => void this.close())
  }

  async #open(): Promise<void> {
    const { openControl } = await import('../control/control-server.ts')
    const { version, pid } = this.#context.machine
    this.#server = await openControl(
      {
        greeting: () => ({ version, pid, services: this.#services, stopping: this.#isStopping() }),
        carryOut: async (line, operator) => (await this.#commands.promise).carryOut(line, operator),
      },
      this.#context.clock,
    )
    if (this.#closed) await this.#server.close()
  }

  /** The server is up. Resolves when the socket is there, too. */
  async serve(commands: ConsoleCommands, isStopping: () => boolean): Promise<void> {
    this.#isStopping = isStopping
    this.#commands.resolve(commands)
    await this.#opening
  }

  /** Takes the socket away at once, and resolves when nobody is connected any more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#server?.close()
  }
}

/** The log for the operator's commands; `flush` makes sure that what all threads have recorded is in it. */
export function operatorLog(
  log: EventLog,
  { logTo }: EventLogOptions,
  flush: () => Promise<void> = async () => {},
): OperatorLog {
  const kept = async (): Promise<EventLog> => {
    if (logTo === 'none') throw nothingDone('no log is kept (--log-to none)')
    await flush()
    return log
  }
  return {
    services: [...protocolNames, 'chat-udp'],
    async tail({ count, filter }) {
      if (logTo === 'console') throw nothingDone('the log goes to the terminal only (--log-to console)')
      return (await (await kept()).tail(count, filter)).map(renderLine)
    },
    async follow({ count, filter }, show, signal) {
      await (await kept()).follow(
        count,
        filter,
        (lines, missed) => {
          const gap = missed === 0 ? [] : [`(${missed} lines were not shown: they were read too slowly)`]
          return show([...gap, ...lines.map(renderLine)].join('\n'))
        },
        signal,
      )
    },
    async clear() {
      await (await kept()).clear()
    },
  }
}

/**
 * Refuses to start a server whose threads could not even start: what they say then says nothing to an operator.
 * @param free descriptors that this process may still open
 * @param threads all that it starts at once; of them `spare` could be left out by asking for fewer
 * @param storageThreads of files, besides
 * @throws {NetworkError} EMFILE
 */
export function demandDescriptors(free: number, threads: number, spare: number, storageThreads = 0): void {
  const needed =
    threads * serveLimits.threadDescriptors +
    storageThreads * serveLimits.storageDescriptors +
    serveLimits.reservedDescriptors
  if (free >= needed) return
  const message = `this process may open ${free} more files and sockets, and a server needs at least ${needed}`
  const fewer = spare > 0 ? ', or ask for fewer --threads' : ''
  throw new NetworkError('EMFILE', message, { hint: `raise the limit (ulimit -n)${fewer}` })
}

/**
 * Refuses to start a server for whose threads V8 could not reserve addresses: it would end the process without a word of ours.
 * @param threads beside the one that listens and the one that writes the log.
 * @throws {NetworkError}
 */
export function demandAddressSpace(bytes: number, threads: number): void {
  const neededGib = commandLimits.processAddressGib + (threads + 2) * commandLimits.threadAddressGib
  const gib = 2 ** 30
  if (bytes >= neededGib * gib) return
  const has = (bytes / gib).toFixed(1)
  throw new NetworkError(
    'ENOMEM',
    `this process may reserve ${has} GiB of addresses, and this server needs ${neededGib.toFixed(1)}`,
    { hint: 'raise the limit (ulimit -v); addresses are not memory' },
  )
}

function demandFolder(): void {
  try {
    resolve('.')
  } catch (error) {
    throw new StorageError(errorCode(error), 'the folder that it was started in is gone', {
      hint: 'go to a folder that exists, and start it again',
      cause: error,
    })
  }
}

/**
 * Prints the one line on stdout, `echo: listening on 127.0.0.1:9007`. Returns the addresses by which other machines reach the
 * server, to be shown to a person; none where nobody looks, or the server listens on one address only.
 * @param asked the port that was asked for; 0 for any
 */
export function announceListening(
  service: string,
  { host, port }: { readonly host: string; readonly port: number },
  asked: number,
  { stdout, machine }: CommandContext,
): readonly string[] {
  const fallback = asked !== 0 && port !== asked ? ` (port ${asked} is taken)` : ''
  stdout.write(`${service}: listening on ${formatEndpoint(host, port)}${fallback}\n`)
  if ((host !== '::' && host !== '0.0.0.0') || stdout.isTTY !== true) return []
  // 0.0.0.0 is every IPv4 address; `::` is those as well.
  const reached = machine.addresses().filter((address) => host === '::' || parseIp(address)?.family === 4)
  return reached.map((address) => formatEndpoint(address, port))
}
