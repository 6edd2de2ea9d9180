import { errorMessage, NetlabError } from '../../base/errors.ts'
import type { EventSink } from '../../base/events.ts'
import { noCommand } from '../../base/suggest.ts'
import type { RelayServer } from '../../datagram-chat/relay-socket.ts'
import { formatEndpoint } from '../../net/address.ts'
import { integer } from '../../options/kinds.ts'
import { formatTable, formatTime } from '../../terminal/format.ts'

export interface RelayTools {
  readonly server: RelayServer
  readonly room: string
  readonly upMs: () => number
  readonly tail: (lines: number) => Promise<readonly string[]>
  readonly clearLogs: () => Promise<void>
  readonly record: EventSink
  readonly stop: () => void
}

interface RelayCommand {
  readonly usage: string
  readonly summary: string
  run(rest: string, tools: RelayTools): string | Promise<string>
}

const linesKind = integer(1, 10_000)

const commands: Readonly<Record<string, RelayCommand>> = {
  help: {
    usage: 'help',
    summary: 'what you can type here',
    run: () => formatTable(Object.values(commands).map(({ usage, summary }) => [usage, summary])),
  },
  status: {
    usage: 'status',
    summary: 'address, room, members',
    run: (_rest, { server, room, upMs }) =>
      formatTable([
        ['service', `chat-udp on ${formatEndpoint(server.host, server.port)}`],
        ['room', `#${room}`],
        ['members', String(server.relay.memberCount)],
        ['up', formatTime(upMs())],
      ]),
  },
  members: {
    usage: 'members',
    summary: 'who is in the room',
    run(_rest, { server }) {
      const members = server.relay.members.map(({ id, name, peer }) => {
        return [String(id), name, formatEndpoint(peer.address, peer.port)]
      })
      return members.length === 0 ? 'nobody is in the room' : formatTable([['ID', 'NAME', 'ADDRESS'], ...members])
    },
  },
  kick: {
    usage: 'kick NAME',
    summary: 'put somebody out of the room',
    run(name, { server }) {
      if (name === '') return 'kick whom? kick NAME; "members" shows the names'
      return server.relay.kick(name) ? `${name} was put out of the room` : `nobody here is called ${name}`
    },
  },
  say: {
    usage: 'say TEXT',
    summary: 'tell everybody something',
    run(text, { server }) {
      if (text === '') return 'say what? say TEXT'
      server.relay.notice(text)
      return 'said'
    },
  },
  logs: {
    usage: 'logs [N]',
    summary: 'the last N lines of the log (10)',
    async run(count, { tail }) {
      const lines = await tail(count === '' ? 10 : linesKind.parse(count))
      return lines.length === 0 ? 'the log is empty' : lines.join('\n')
    },
  },
  clear: {
    usage: 'clear logs',
    summary: 'empty the log',
    async run(what, { clearLogs, record }) {
      if (what !== 'logs') return 'clear what? clear logs'
      await clearLogs()
      record({ type: 'logs-cleared' })
      return 'the log is empty'
    },
  },
  stop: {
    usage: 'stop',
    summary: 'say goodbye to everybody and end',
    run(_rest, { stop }) {
      stop()
      return 'stopping'
    },
  },
}

export const relayUsages = Object.values(commands).map(({ usage }) => usage)

/** Carries out one line; what goes wrong is part of the answer. */
export async function operateRelay(line: string, tools: RelayTools): Promise<string> {
  const [, word = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line) ?? []
  if (word === '') return ''
  const command = Object.hasOwn(commands, word.toLowerCase()) ? commands[word.toLowerCase()] : undefined
  if (command === undefined) return noCommand(word, Object.keys(commands))
  try {
    return await command.run(rest, tools)
  } catch (error) {
    if (error instanceof NetlabError) return errorMessage(error)
    tools.record({ type: 'fault', where: 'operator console', error: errorMessage(error) })
    return errorMessage(error)
  }
}
