import { statSync } from 'node:fs'
import { platform } from 'node:os'
import { ExitCode, errorCode, NetlabError, NetworkError, reasonOf, StorageError, UsageError } from '../base/errors.ts'
import { printable } from '../base/visible.ts'
import { ControlClient } from '../control/control-client.ts'
import { controlLimits } from '../control/limits.ts'
import type { ControlRequest } from '../control/messages.ts'
import { type FoundSocket, findSockets } from '../control/socket-files.ts'
import { duration, flag, integer, optional, path, text } from '../options/kinds.ts'
import { option } from '../options/spec.ts'
import { chatCommands } from '../protocols/chat-commands.ts'
import { protocolNames } from '../protocols/index.ts'
import { commandsWith } from '../serve/operator-commands.ts'
import { type Answer, nothingDone, type Operator, OperatorConsole } from '../terminal/operator-console.ts'
import { relayCommands } from './chat-udp/relay-commands.ts'
import { askOnTerminal, askStreams, type CommandContext, defineCommand } from './command.ts'

/** What can be typed at one console or another, as first words. */
const allCommands = { ...relayCommands, ...commandsWith(chatCommands()) }
const consoleWords = ['help', ...Object.keys(allCommands)]

/** Between the words of the command line: no argument of a process can hold it. */
const separator = '\0'

const options = {
  command: option({
    kind: { ...optional(text), words: consoleWords },
    summary: 'what to do, as it is typed at the console: status, logs 50 chat, stop …; "help" lists it',
    default: undefined,
    defaultText: 'the console, on a terminal or a pipe',
  }),
  folder: option({
    kind: optional(path),
    summary: 'the folder in which the server was started; also the first word, where it is no command',
    default: undefined,
    defaultText: 'the current one',
  }),
  process: option({
    kind: optional(integer(1, Number.MAX_SAFE_INTEGER, 'PID')),
    summary: 'of several servers in that folder, the one with this process number',
    default: undefined,
  }),
  yes: option({ kind: flag, alias: 'y', summary: 'the answer to whatever is asked', default: false }),
  follow: option({ kind: flag, alias: 'f', summary: 'logs: show what comes, too', default: false }),
  timeout: option({
    kind: duration,
    summary: 'how long to wait for an answer, and for the end of a server that is stopped',
    default: controlLimits.answerMs,
    defaultText: `${controlLimits.answerMs / 1000}s`,
  }),
} as const

/** `netlab control [FOLDER] COMMAND…`: the operator's console of a server without a terminal, from elsewhere on its machine. */
export const control = defineCommand({
  name: 'control',
  summary: 'operate a running server: status, clients, kick, logs, stop …',
  positionals: [{ name: 'command', variadic: separator }],
  options,
  examples: [
    ['netlab control status', 'of the server that was started in this folder'],
    ['netlab control /var/lib/netlab/chat logs -f warning', 'what goes wrong, as it happens'],
    ['netlab control ./class kick 7', 'a folder is written with a slash, if it is called like a command'],
    ['netlab control clear users --yes', 'without being asked'],
    ['netlab control', 'the console of the server in this folder'],
  ],
  epilogue:
    'Exit status: 0 if the command did what it says, 1 if it had nothing to do, 64 if it was wrong, 69 if no server is there or it does not answer or is stopping.',
  async run(values, context) {
    const words = values.command?.split(separator) ?? []
    const folder = values.folder ?? (isFolder(words[0]) ? words.shift() : undefined) ?? '.'
    if (values.follow) words.push('-f')
    enter(folder, context)
    const line = typedLine(words)
    const find = () => findServer(folder, words[0], values, context)
    if (line.trim() === '') return converse(await find(), find, values.yes, context)
    const client = await find()
    const stop = (): void => client.close()
    context.signal.addEventListener('abort', stop, { once: true })
    try {
      const confirm = values.yes ? 'yes' : askStreams(context) === undefined ? 'no' : 'ask'
      const { text, exit } = await carryOut(client, line, operatorHere(context), confirm)
      context.signal.throwIfAborted()
      if (exit !== ExitCode.ok) throw new NetlabError('CONTROL', exit, text)
      if (text !== '') context.stdout.write(`${safe(text)}\n`)
      return ExitCode.ok
    } catch (error) {
      context.signal.throwIfAborted()
      throw error
    } finally {
      client.close()
    }
  },
})

/**
 * The words of the command line as they are typed at a console: one with spaces inside stands in quotes, unless it is the text at the end
 * of a command that takes one.
 */
function typedLine(words: readonly string[]): string {
  // The first one may be a service's name.
  const takesText = words.slice(0, 2).some((word) => textCommands.has(word.toLowerCase()))
  return words
    .map((word, index) => (/\s/.test(word) && !(takesText && index === words.length - 1) ? `"${word}"` : word))
    .join(' ')
}

const textCommands: ReadonlySet<string> = new Set(
  Object.entries(allCommands).flatMap(([name, { text }]) => (text === true ? [name] : [])),
)

/** A word with a slash is a folder; any other only where one is called so, and no command or service is. */
function isFolder(word: string | undefined): boolean {
  if (word === undefined) return false
  if (word === '.' || word === '..' || /[/\\]/.test(word)) return true
  const known = [...protocolNames, 'chat-udp', ...consoleWords]
  return !known.includes(word.toLowerCase()) && statSync(word, { throwIfNoEntry: false })?.isDirectory() === true
}

function enter(folder: string, { enterFolder }: CommandContext): void {
  try {
    enterFolder(folder)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') throw new UsageError(`there is no folder ${folder}`, { cause: error })
    if (code === 'ENOTDIR') throw new UsageError(`${folder} is not a folder`, { cause: error })
    throw new StorageError(code, `cannot look into ${folder}: ${reasonOf(error)}`, { cause: error })
  }
}

interface Wanted {
  readonly process: number | undefined
  readonly timeout: number
}

/** The one server in the current folder that is meant. @throws {NetlabError} */
async function findServer(
  folder: string,
  service: string | undefined,
  { process, timeout }: Wanted,
  { clock }: CommandContext,
): Promise<ControlClient> {
  const found = listSockets(folder)
  const silent: unknown[] = []
  const clients: ControlClient[] = []
  for (const { path, trusted } of found) {
    if (!trusted) continue
    try {
      const client = await ControlClient.connect(path, clock, timeout)
      if (client !== undefined) clients.push(client)
    } catch (error) {
      silent.push(error)
    }
  }
  const called = clients.filter(({ greeting: { pid } }) => process === undefined || pid === process)
  const named = called.filter(({ greeting: { services } }) => service !== undefined && services.includes(service))
  const meant = called.length > 1 && named.length > 0 ? named : called
  for (const client of clients) if (meant.length !== 1 || client !== meant[0]) client.close()
  const [only, another] = meant
  if (only !== undefined && another === undefined && (silent.length === 0 || process !== undefined)) return only
  only?.close()
  if (clients.length > 1 || (clients.length === 1 && process !== undefined)) throw severalServers(folder, clients)
  if (silent.length > 0) throw silent[0]
  const planted = found.find(({ trusted }) => !trusted)
  if (planted !== undefined) {
    throw new NetworkError('UNTRUSTED', `the control socket ${planted.path} in ${folder} belongs to another user`, {
      hint: 'whoever made it may only want to hear your commands; remove it, or be that user',
    })
  }
  const hint =
    platform() === 'win32'
      ? 'on Windows a server has no control socket: type at its own console'
      : 'give the folder that it was started in: netlab control FOLDER status'
  throw new NetworkError('ENOENT', `no server runs in ${folder === '.' ? 'this folder' : folder}`, { hint })
}

function listSockets(folder: string): readonly FoundSocket[] {
  try {
    return findSockets('.')
  } catch (error) {
    throw new StorageError(errorCode(error), `cannot look into ${folder}: ${reasonOf(error)}`, { cause: error })
  }
}

function severalServers(folder: string, clients: readonly ControlClient[]): UsageError {
  const list = clients.map(({ greeting: { services, pid } }) => `${services.join(' and ')} (process ${pid})`)
  const [service = 'chat'] = clients[0]?.greeting.services ?? []
  return new UsageError(`several servers run in ${folder === '.' ? 'this folder' : folder}: ${list.join(', ')}`, {
    hint: `say which: netlab control ${folder} ${service} status, or with --process`,
  })
}

interface LineAnswer extends Answer {
  /** The server has ended: it was told to. */
  readonly ended: boolean
}

/** Has one line carried out, and waits for the end of a server that it stopped. @throws {NetworkError} */
async function carryOut(
  client: ControlClient,
  line: string,
  operator: Operator,
  confirm: ControlRequest['confirm'],
): Promise<LineAnswer> {
  if (client.greeting.stopping) {
    if (!/^(\S+ )?stop$/i.test(line.trim())) {
      throw new NetworkError('STOPPING', 'the server is stopping', { hint: 'start it again when it has ended' })
    }
    await client.untilEnd()
    return { text: 'stopping', exit: ExitCode.ok, ended: true }
  }
  const { text, exit, ended } = await client.carryOut({ line, confirm }, operator)
  await ended
  return { text, exit, ended: ended !== undefined }
}

/** Whoever typed this command: they are asked at their terminal, and see what comes on standard output. */
function operatorHere(context: CommandContext): Operator {
  const { stdout, signal } = context
  const written = (shown: string): Promise<void> => {
    return new Promise((resolve) => stdout.write(`${safe(shown)}\n`, () => resolve()))
  }
  return {
    follow: (work) => work(written, signal),
    async confirm(question, hint) {
      const ask = askOnTerminal(context)
      if (ask === undefined) throw new UsageError(question, { hint })
      const spec = option<boolean>({ kind: flag, summary: question, default: false, defaultText: 'no' })
      if (!(await ask(question, spec))) throw nothingDone('nothing was done')
    },
  }
}

/** The console of a server from afar: each line is a command of its own. The end of the input ends it, and not the server. */
async function converse(
  first: ControlClient,
  find: () => Promise<ControlClient>,
  yes: boolean,
  context: CommandContext,
): Promise<ExitCode> {
  const { greeting } = first
  first.close()
  if (context.stdinKind === 'other') {
    throw new UsageError('control what?', { hint: 'type: netlab control status, or netlab control help' })
  }
  const terminal = new OperatorConsole(context, true)
  context.signal.addEventListener('abort', () => terminal.close(), { once: true })
  const confirm = context.stdinKind === 'terminal' ? 'ask' : yes ? 'yes' : 'no'
  let last: ExitCode = ExitCode.ok
  const answerTo = async (line: string, operator: Operator): Promise<Answer> => {
    if (line.trim() === '') return { text: '', exit: ExitCode.ok }
    const client = await find()
    try {
      const answer = await carryOut(client, line, operator, confirm)
      if (answer.ended) terminal.close()
      return answer
    } finally {
      client.close()
    }
  }
  await terminal.start(greeting.services.join('+'), {
    usages: consoleWords,
    async carryOut(line, operator) {
      const answer = await answerTo(line, operator).catch((error: unknown): Answer => {
        if (!(error instanceof NetlabError)) throw error
        return { text: error.hint === undefined ? error.message : `${error.message} (${error.hint})`, exit: error.exit }
      })
      if (answer.exit !== ExitCode.ok) last = answer.exit
      return answer
    },
  })
  context.signal.throwIfAborted()
  return last
}

function safe(text: string): string {
  return text.split('\n').map(printable).join('\n')
}
