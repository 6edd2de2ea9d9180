import { errorMessage, NetlabError } from '../../base/errors.ts'
import type { EventSink } from '../../base/events.ts'
import { printable } from '../../base/visible.ts'
import type { RelayServer } from '../../datagram-chat/relay-socket.ts'
import { formatEndpoint } from '../../net/address.ts'
import { integer } from '../../options/kinds.ts'
import { completeUsage, noCommand } from '../../options/typed-command.ts'
import { formatTable, formatTime } from '../../terminal/format.ts'
import { createLineEditor, type LineEditor } from '../../terminal/line-editor.ts'
import type { CommandContext } from '../command.ts'

export interface RelayTools {
  readonly server: RelayServer
  readonly room: string
  readonly upMs: () => number
  readonly tail: (lines: number) => Promise<readonly string[]>
  readonly clearLogs: () => Promise<void>
  readonly record: EventSink
  readonly stop: () => void
}

/** The operator's end of a relay: commands from standard input, answers on standard output, talk on standard error. */
export interface RelayConsole {
  talk(line: string): void
  operate(tools: RelayTools): void
  close(): void
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

/** `wanted` is `--console`; only a terminal or a pipe has somebody at its other end. */
export function createRelayConsole(context: CommandContext, wanted: boolean): RelayConsole {
  const { stdin, stdout, stderr, stdinKind, interrupt } = context
  let editor: LineEditor | undefined
  return {
    talk(line) {
      if (editor?.interactive === true) editor.print(line)
      else stderr.write(`${line}\n`)
    },
    operate(tools) {
      if (!wanted || stdinKind === 'other') return
      editor = createLineEditor({
        input: stdin,
        output: stdout,
        prompt: 'chat-udp> ',
        onInterrupt: interrupt,
        complete: (typed) => completeUsage(typed, usages),
      })
      void answerAll(editor, tools)
    },
    close: () => editor?.close(),
  }
}

async function answerAll(editor: LineEditor, tools: RelayTools): Promise<void> {
  for await (const line of editor.lines()) {
    const text = await answer(line, tools)
    if (text !== '') editor.print(text.split('\n').map(printable).join('\n'))
  }
}

const usages = Object.values(commands).map(({ usage }) => usage)

/** Carries out one line; what goes wrong is part of the answer. */
export async function answer(line: string, tools: RelayTools): Promise<string> {
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
