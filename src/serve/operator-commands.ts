import { UsageError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { formatEndpoint } from '../net/address.ts'
import { integer } from '../options/kinds.ts'
import { formatBytes, formatTable, formatTime } from '../terminal/format.ts'
import { extraWord, nothingDone, type OperatorCommand, type OperatorTable } from '../terminal/operator-console.ts'
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

const kick: OperatorCommand<ServerTarget> = {
  usage: 'kick ID',
  summary: 'end the conversation with one client',
  // A service whose clients have names takes more words: whom, where and why.
  text: true,
  async run([whom], { server }) {
    if (whom === undefined) throw new UsageError('kick whom?', { hint: 'kick ID; "clients" shows the numbers' })
    const words = whom.split(/\s+/)
    const [first = '', extra] = words
    const isId = /^\d+$/.test(first)
    const answer = isId ? undefined : await server.command(['kick', ...words])
    if (answer !== undefined) return answer
    if (isId && extra !== undefined) throw extraWord(extra, kick.usage)
    const id = clientId.parse(whom)
    if (!(await server.kick(id))) throw nothingDone(`there is no client ${id}`)
    return `client ${id} is being disconnected`
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
      return formatTable([
        ['ID', 'ADDRESS', 'THREAD', 'RECEIVED', 'SENT', 'QUEUED', 'IDLE'],
        ...clients.map(({ id, peer, thread, received, sent, queued, idleMs }) => [
          String(id),
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
    async run([what], target) {
      if (what === 'logs') return clearLog(target)
      if (what !== 'users') throw new UsageError('clear what?', { hint: 'clear logs, or clear users' })
      const answer = await target.server.command(['clear', 'users'])
      if (answer === undefined) throw nothingDone(`${target.service} keeps no users`)
      return answer
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
