import type { Clock } from '../base/clock.ts'
import { errorMessage, NetlabError, UsageError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { noCommand } from '../base/suggest.ts'
import { formatEndpoint } from '../net/address.ts'
import { integer } from '../options/kinds.ts'
import { formatBytes, formatTable, formatTime } from '../terminal/format.ts'
import { serveLimits } from './limits.ts'
import type { Server } from './server.ts'

/** What the operator's commands work on. */
export interface OperatorTools {
  readonly service: string
  readonly server: Server
  readonly clock: Clock
  readonly record: EventSink
  /** Memory of the whole process in bytes. */
  residentBytes(): number
  /** The last lines of the log, rendered for a person. */
  tail(lines: number): Promise<readonly string[]>
  clearLogs(): Promise<void>
}

interface OperatorCommand {
  readonly usage: string
  readonly summary: string
  run(words: readonly string[], tools: OperatorTools): Promise<string>
}

const idKind = integer(1, Number.MAX_SAFE_INTEGER)
const linesKind = integer(1, 10_000)

const commands: Readonly<Record<string, OperatorCommand>> = {
  help: {
    usage: 'help',
    summary: 'what you can type here',
    async run(words, { service, server }) {
      const own = formatTable(Object.values(commands).map(({ usage, summary }) => [usage, summary]))
      const more = await server.command(['help', ...words])
      return more === undefined ? own : `${own}\n\nin the ${service}:\n${more}`
    },
  },
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
  kick: {
    usage: 'kick ID',
    summary: 'end the conversation with one client',
    async run([word, ...rest], { server }) {
      // A service whose clients have names may know whom that means.
      const named = word === undefined || /^\d+$/.test(word) ? undefined : await server.command(['kick', word, ...rest])
      if (named !== undefined) return named
      if (word === undefined) throw new UsageError('kick whom?', { hint: 'kick ID; "clients" shows the numbers' })
      const id = idKind.parse(word)
      return (await server.kick(id)) ? `client ${id} is being disconnected` : `there is no client ${id}`
    },
  },
  pause: {
    usage: 'pause',
    summary: 'refuse new connections; those that exist go on',
    run: async (_words, { server }) =>
      (await server.pause()) ? 'paused: new connections are refused' : 'paused already',
  },
  resume: {
    usage: 'resume',
    summary: 'take new connections again, on the same port',
    async run(_words, { server }) {
      const { host, port } = server.endpoint
      return (await server.resume()) ? `listening on ${formatEndpoint(host, port)} again` : 'not paused'
    },
  },
  logs: {
    usage: 'logs [N]',
    summary: `the last N lines of the log (${serveLimits.shownLogLines})`,
    async run([word], { tail, server }) {
      await server.flushLog()
      const lines = await tail(word === undefined ? serveLimits.shownLogLines : linesKind.parse(word))
      return lines.length === 0 ? 'the log is empty' : lines.join('\n')
    },
  },
  clear: {
    usage: 'clear logs|users',
    summary: 'empty the log, or forget all users',
    async run([what], { server, service, clearLogs, record }) {
      if (what === 'logs') {
        await server.flushLog()
        await clearLogs()
        record({ type: 'logs-cleared' })
        return 'the log is empty'
      }
      if (what === 'users') return (await server.command(['clear', 'users'])) ?? `${service} keeps no users`
      throw new UsageError('clear what?', { hint: 'clear logs, or clear users' })
    },
  },
  stop: {
    usage: 'stop',
    summary: 'end all conversations and the server',
    async run(_words, { server }) {
      // Not awaited: the answer should come before the end.
      void server.stop('asked by the operator')
      return 'stopping'
    },
  },
}

export const operatorUsages = Object.values(commands).map(({ usage }) => usage)

/**
 * Carries out one line that an operator typed and returns the answer, without a newline at its end; empty for an empty line.
 * What goes wrong is part of the answer: an operator's slip never ends a server.
 */
export async function operate(line: string, tools: OperatorTools): Promise<string> {
  const [name, ...words] = line.trim().split(/\s+/)
  if (name === undefined || name === '') return ''
  try {
    const command = Object.hasOwn(commands, name.toLowerCase()) ? commands[name.toLowerCase()] : undefined
    if (command !== undefined) return await command.run(words, tools)
    const answer = await tools.server.command([name, ...words])
    return answer ?? noCommand(name, Object.keys(commands))
  } catch (error) {
    if (!(error instanceof NetlabError))
      tools.record({ type: 'fault', where: 'operator console', error: errorMessage(error) })
    const hint = error instanceof NetlabError && error.hint !== undefined ? ` (${error.hint})` : ''
    return `${errorMessage(error)}${hint}`
  }
}
