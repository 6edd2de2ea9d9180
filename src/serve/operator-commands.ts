import { UsageError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { formatEndpoint } from '../net/address.ts'
import { integer } from '../options/kinds.ts'
import { formatBytes, formatTable, formatTime } from '../terminal/format.ts'
import {
  agreed,
  extraWord,
  nothingDone,
  type OperatorCommand,
  type OperatorTable,
  type ServiceCommand,
  unquoted,
} from '../terminal/operator-console.ts'
import { nameKey } from '../text/names.ts'
import { clearLog, logsCommand, type OperatorLog } from './log-commands.ts'
import type { Server } from './server.ts'

/** What the operator's commands of a TCP server work on. */
export interface ServerTarget {
  readonly service: string
  readonly server: Server
  readonly log: OperatorLog
  readonly record: EventSink
  /** Memory of the whole process in bytes. */
  residentBytes(): number
}

const clientId = integer(1, Number.MAX_SAFE_INTEGER)

async function kickConnection(word: string, { server }: ServerTarget): Promise<string> {
  const id = clientId.parse(word.replace(/^#/, ''))
  if (!(await server.kick(id))) throw nothingDone(`there is no client ${id}`)
  return `client ${id} is being disconnected`
}

const kick: OperatorCommand<ServerTarget> = {
  usage: 'kick ID',
  summary: 'end the conversation with one client',
  async run([id], target) {
    if (id === undefined) throw new UsageError('kick whom?', { hint: 'kick ID; "clients" shows the numbers' })
    return kickConnection(id, target)
  },
}

/** What the operator of a TCP server can type, whatever it serves. */
export const serverCommands: OperatorTable<ServerTarget> = {
  status: {
    usage: 'status',
    summary: 'address, clients, threads, memory',
    async run(_words, { service, server, residentBytes }) {
      const status = await server.status()
      const { host, port } = server.endpoint
      return formatTable([
        ['service', `${service} on ${formatEndpoint(host, port)}${status.paused ? ', paused' : ''}`],
        ['clients', `${status.clients} of at most ${status.maxClients}; ${status.connections} since the start`],
        ['threads', `${status.threads} for clients, one that listens`],
        ['up', formatTime(status.uptimeMs)],
        ['memory', formatBytes(residentBytes())],
      ])
    },
  },
  clients: {
    usage: 'clients',
    summary: 'who is connected',
    async run(_words, { server }) {
      const clients = await server.clients()
      if (clients.length === 0) return 'no clients'
      const named = clients.some(({ name }) => name !== undefined)
      return formatTable([
        ['ID', ...(named ? ['NAME'] : []), 'ADDRESS', 'THREAD', 'RECEIVED', 'SENT', 'QUEUED', 'IDLE'],
        ...clients.map(({ id, peer, name, thread, received, sent, queued, idleMs }) => [
          String(id),
          ...(named ? [name ?? '-'] : []),
          formatEndpoint(peer.address, peer.port),
          `client-${thread}`,
          formatBytes(received),
          formatBytes(sent),
          formatBytes(queued),
          formatTime(idleMs),
        ]),
      ])
    },
  },
  kick,
  pause: {
    usage: 'pause',
    summary: 'refuse new connections; those that exist go on',
    async run(_words, { server }) {
      if (!(await server.pause())) throw nothingDone('paused already')
      return 'paused: new connections are refused'
    },
  },
  resume: {
    usage: 'resume',
    summary: 'take new connections again, on the same port',
    async run(_words, { server }) {
      const { host, port } = server.endpoint
      if (!(await server.resume())) throw nothingDone('not paused')
      return `listening on ${formatEndpoint(host, port)} again`
    },
  },
  logs: logsCommand,
  clear: {
    usage: 'clear logs|users',
    summary: 'empty the log, or forget all users',
    run([what], target) {
      if (what === 'logs') return clearLog(target)
      if (what !== 'users') throw new UsageError('clear what?', { hint: 'clear logs, or clear users' })
      throw nothingDone(`${target.service} keeps no users`)
    },
  },
  stop: {
    usage: 'stop',
    summary: 'end all conversations and the server',
    run(_words, { server }) {
      // Not awaited: the answer should come before the end.
      void server.stop('asked by the operator')
      return 'stopping'
    },
  },
}

/**
 * The same with the commands of a service that knows its clients. `kick #ID` ends a connection everywhere, and `clear logs` is
 * everywhere the same; the rest of these two is the service's.
 */
export function commandsWith(service: Readonly<Record<string, ServiceCommand>>): OperatorTable<ServerTarget> {
  const own = Object.entries(service).map(([name, command]) => {
    const carriedOut = carriedOutByService(name, command)
    const run = name === 'kick' ? kickAnybody(carriedOut) : name === 'clear' ? clearAnything(carriedOut) : carriedOut
    return [name, { ...command, asks: command.question !== undefined, run }] as const
  })
  return { ...serverCommands, kick: kickByName, ...Object.fromEntries(own) }
}

type Run = OperatorCommand<ServerTarget>['run']

function carriedOutByService(name: string, { question }: ServiceCommand): Run {
  return async (words, { server }, operator) => {
    if (question !== undefined) await operator.confirm(question, 'add --yes to do it')
    return server.command([name, ...words])
  }
}

async function connectionsOf(name: string, { server }: ServerTarget): Promise<readonly number[]> {
  const key = nameKey(name)
  const clients = await server.clients()
  return clients.filter((client) => client.name !== undefined && nameKey(client.name) === key).map(({ id }) => id)
}

/** `#ID` is a connection, whatever else is a person. */
function kickAnybody(kickPerson: Run): Run {
  return async (words, target, operator) => {
    const [whom] = words
    if (whom === undefined) throw new UsageError('kick whom?', { hint: 'kick NAME, or kick #ID; "clients" shows both' })
    if (/^#\d+$/.test(whom)) return kickConnection(whom, target)
    if (/^\d+$/.test(whom) && (await connectionsOf(whom, target)).length === 0)
      throw nothingDone(`nobody here is called ${whom}`, `kick #${whom} ends the connection of that number`)
    return kickPerson(words, target, operator)
  }
}

const kickByName: OperatorCommand<ServerTarget> = {
  usage: 'kick #ID|NAME',
  summary: 'end one connection, or all of somebody',
  text: true,
  run: kickAnybody(async ([whom = ''], target) => {
    const name = unquoted(whom)
    const ids = await connectionsOf(name, target)
    if (ids.length === 0) throw nothingDone(`nobody here is called ${name}`, '"clients" shows who is here')
    await Promise.all(ids.map((id) => target.server.kick(id)))
    return `${name} is being disconnected${ids.length === 1 ? '' : ` from ${ids.length} connections`}`
  }),
}

function clearAnything(clearUsers: Run): Run {
  return async (words, target, operator) => {
    const [what, who] = words
    if (what === 'logs' && who === undefined) return clearLog(target)
    if (what === 'logs') throw extraWord(who ?? '', 'clear logs')
    if (what !== 'users') throw new UsageError('clear what?', { hint: 'clear logs, or clear users' })
    if (who === undefined) return clearUsers(words, target, operator)
    if (who !== 'all')
      throw new UsageError(`"clear users" forgets everybody, not only ${who}`, { hint: `type: forget ${who}` })
    return clearUsers(words, target, agreed(operator))
  }
}
