import { UsageError } from '../../base/errors.ts'
import type { EventSink } from '../../base/events.ts'
import type { RelayServer } from '../../datagram-chat/relay-socket.ts'
import { formatEndpoint } from '../../net/address.ts'
import { clearLog, logsCommand, type OperatorLog } from '../../serve/log-commands.ts'
import { formatTable, formatTime } from '../../terminal/format.ts'
import { nothingDone, type OperatorTable } from '../../terminal/operator-console.ts'

/** What the operator's commands of a relay work on. */
export interface RelayTarget {
  readonly server: RelayServer
  readonly room: string
  readonly log: OperatorLog
  readonly record: EventSink
  upMs(): number
  stop(): void
}

/** What the operator of a relay can type. */
export const relayCommands: OperatorTable<RelayTarget> = {
  status: {
    usage: 'status',
    summary: 'address, room, members',
    run: (_words, { server, room, upMs }) =>
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
    run(_words, { server }) {
      const members = server.relay.members.map(({ id, name, peer }) => {
        return [String(id), name, formatEndpoint(peer.address, peer.port)]
      })
      return members.length === 0 ? 'nobody is in the room' : formatTable([['ID', 'NAME', 'ADDRESS'], ...members])
    },
  },
  kick: {
    usage: 'kick NAME',
    summary: 'put somebody out of the room',
    // A name may have spaces inside.
    text: true,
    run([name], { server }) {
      if (name === undefined) throw new UsageError('kick whom?', { hint: 'kick NAME; "members" shows the names' })
      if (!server.relay.kick(name)) throw nothingDone(`nobody here is called ${name}`)
      return `${name} was put out of the room`
    },
  },
  say: {
    usage: 'say TEXT',
    summary: 'tell everybody something',
    text: true,
    run([text], { server }) {
      if (text === undefined) throw new UsageError('say what?', { hint: 'say TEXT' })
      server.relay.notice(text)
      return 'said'
    },
  },
  logs: logsCommand,
  clear: {
    usage: 'clear logs',
    summary: 'empty the log',
    run([what], target) {
      if (what !== 'logs') throw new UsageError('clear what?', { hint: 'clear logs' })
      return clearLog(target)
    },
  },
  stop: {
    usage: 'stop',
    summary: 'say goodbye to everybody and end',
    run(_words, { stop }) {
      stop()
      return 'stopping'
    },
  },
}
