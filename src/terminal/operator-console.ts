import { errorMessage, NetlabError, UsageError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { suggest } from '../base/suggest.ts'
import { printable } from '../base/visible.ts'
import { formatTable } from './format.ts'
import { terminalLimits } from './limits.ts'
import { createLineEditor, type LineEditor, type LineEditorOptions } from './line-editor.ts'

/**
 * Asks the operator whether to go on with what can't be undone. Where nobody can be asked, it rejects with a UsageError that
 * says how to answer in advance.
 */
export type Confirm = (question: string) => Promise<boolean>

/** How a command is typed and what it does. */
export interface OperatorUsage {
  /** `kick ID`, `logs [N]`, `clear logs|users`: at most as many words follow the command as are shown here. */
  readonly usage: string
  readonly summary: string
  /** Whether the last word of the usage is a text, and may have spaces inside. */
  readonly text?: boolean
  /** Whether it may ask before it does something, and then takes `--yes` as its last word. */
  readonly asks?: boolean
}

/** A command that the shared state of a service carries out. */
export interface ServiceCommand extends OperatorUsage {
  /** Asked first, of what can't be undone. */
  readonly question?: string
}

/** A command that the operator of a server types; `Target` is what the commands of one table work on. */
export interface OperatorCommand<Target> extends OperatorUsage {
  /** Resolves to the answer. What is thrown is answered, too: an operator's slip never ends a server. */
  run(words: readonly string[], target: Target, confirm: Confirm): string | Promise<string>
}

/** The commands of one kind of server, by their first word. `help` comes with every table. */
export type OperatorTable<Target> = Readonly<Record<string, OperatorCommand<Target>>>

export interface OperatorCommands<Target> {
  readonly table: OperatorTable<Target>
  readonly target: Target
  readonly record: EventSink
}

/** The log as its operator's commands see it. */
export interface OperatorLog {
  /** The last lines, rendered for a person, oldest first. */
  tail(count: number): Promise<readonly string[]>
  clear(): Promise<void>
}

/** `logs [N]`, the same for every server. */
export const logsCommand = {
  usage: 'logs [N]',
  summary: `the last N lines of the log (${terminalLimits.logLines})`,
  async run([count = String(terminalLimits.logLines)], { log }) {
    if (!/^\d+$/.test(count)) throw new UsageError(`"${count}" is not a whole number`)
    const most = terminalLimits.maxLogLines
    if (Number(count) < 1 || Number(count) > most) throw new UsageError(`${count} is not between 1 and ${most}`)
    const lines = await log.tail(Number(count))
    return lines.length === 0 ? 'the log is empty' : lines.join('\n')
  },
} satisfies OperatorCommand<{ readonly log: OperatorLog }>

/** What `clear logs` does. */
export async function clearLog({ log, record }: { readonly log: OperatorLog; readonly record: EventSink }) {
  await log.clear()
  record({ type: 'logs-cleared' })
  return 'the log is empty'
}

/** For a word that a command has no use for. */
export function extraWord(word: string, usage: string): UsageError {
  return new UsageError(`"${word}" is one word too many`, { hint: `type: ${usage}` })
}

const agreeing: Confirm = async () => true

/** Where nobody can be asked. @throws {UsageError} */
const askNobody: Confirm = async (question) => {
  throw new UsageError(`${question} Nothing was changed`, { hint: 'add --yes to do it' })
}

/**
 * Carries out what an operator typed, a line or the words of one, and returns the answer, without a newline at its end; empty
 * for an empty line. The case of the command does not matter.
 * @param confirm asks whoever typed it; without it only `--yes` answers
 */
export async function carryOut<Target>(
  typed: string | readonly string[],
  { table, target, record }: OperatorCommands<Target>,
  confirm: Confirm = askNobody,
): Promise<string> {
  const line = typeof typed === 'string' ? typed : typed.map(quotedWord).join(' ')
  const [, word = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line) ?? []
  if (word === '') return ''
  const name = word.toLowerCase()
  try {
    if (name === 'help') {
      wordsOf(helpCommand, rest)
      return helpText(table)
    }
    const command = Object.hasOwn(table, name) ? table[name] : undefined
    if (command === undefined) return noCommand(word, ['help', ...Object.keys(table)])
    const agreed = command.asks === true && /(?:^|\s)--yes$/.exec(rest)
    const words = wordsOf(command, agreed ? rest.slice(0, agreed.index).trimEnd() : rest)
    return await command.run(words, target, agreed ? agreeing : confirm)
  } catch (error) {
    if (!(error instanceof NetlabError))
      record({ type: 'fault', where: 'operator console', error: errorMessage(error) })
    const hint = error instanceof NetlabError && error.hint !== undefined ? ` (${error.hint})` : ''
    return `${errorMessage(error)}${hint}`
  }
}

const helpCommand: OperatorUsage = { usage: 'help', summary: 'what you can type here' }

function helpText<Target>(table: OperatorTable<Target>): string {
  return formatTable([helpCommand, ...Object.values(table)].map(({ usage, summary }) => [usage, summary]))
}

/** What follows a command, as its usage has it; a word in quotes stays in them. @throws {UsageError} when that is more. */
function wordsOf({ usage, text }: OperatorUsage, rest: string): readonly string[] {
  if (rest === '') return []
  if (text === true) return [rest]
  const words = rest.match(/"[^"]*"|\S+/g) ?? []
  const extra = words[usage.split(' ').length - 1]
  if (extra !== undefined) throw extraWord(extra, usage)
  return words
}

function quotedWord(word: string): string {
  return /\s/.test(word) && !word.includes('"') ? `"${word}"` : word
}

/** A word that stands in quotes because it has spaces inside, without them. */
export function unquoted(word: string): string {
  return /^"([^"]*)"$/.exec(word)?.[1] ?? word
}

function noCommand(word: string, names: readonly string[]): string {
  const near = suggest(word.toLowerCase(), names)
  const meant = near === undefined ? '' : `did you mean ${near}? `
  return `"${word}" is no command; ${meant}"help" shows what you can type here`
}

/** What `typed` may become, for Tab: the words of a usage that are typed as they stand. `clear logs|users` makes two. */
export function completeUsage(
  typed: string,
  usages: readonly string[],
): { readonly word: string; readonly found: readonly string[] } {
  const found = typed === '' ? [] : usages.flatMap(fixedWords).filter((line) => line.startsWith(typed))
  return { word: typed, found: found.map((line) => `${line} `) }
}

function fixedWords(usage: string): readonly string[] {
  const [, fixed = ''] = /^([a-z |]*)/.exec(usage) ?? []
  const [command = '', choices] = fixed.trim().split(' ')
  return choices === undefined ? [command] : choices.split('|').map((choice) => `${command} ${choice}`)
}

/** What the console needs of its process. */
export interface ConsoleStreams {
  readonly stdin: LineEditorOptions['input']
  /** Only a terminal or a pipe has somebody at its other end who types commands. */
  readonly stdinKind: 'terminal' | 'pipe' | 'other'
  readonly stdout: LineEditorOptions['output']
  /** The terminal obeys no control sequences. */
  readonly isDumb: boolean
  readonly stderr: NodeJS.WritableStream & { readonly writableLength: number }
  /** Ctrl-C on a terminal that edits lines. */
  interrupt(): void
}

/** The operator's end of a server: commands from standard input, answers on standard output, diagnostics on standard error. */
export class OperatorConsole {
  readonly #streams: ConsoleStreams
  readonly #wanted: boolean
  #editor: LineEditor | undefined
  /** Diagnostics left out since standard error fell behind. */
  #unseen = 0

  /** `wanted` is false where the operator wants no commands; diagnostics are shown all the same. */
  constructor(streams: ConsoleStreams, wanted: boolean) {
    this.#streams = streams
    this.#wanted = wanted
    // Nobody reads the answers any more: that is no reason to leave the clients.
    streams.stdout.on('error', () => undefined)
  }

  /** Shows a line about an event or a trouble. It never cuts through a line being typed. */
  readonly diagnostic = (line: string): void => {
    if (this.#editor?.interactive === true) this.#editor.print(line)
    else this.#write(line)
  }

  /** Starts to take commands, a line each. The end of the input ends the commands, not the server. */
  start<Target>(prompt: string, commands: OperatorCommands<Target>): void {
    const { stdin, stdinKind, stdout, isDumb, interrupt } = this.#streams
    if (!this.#wanted || stdinKind === 'other') return
    const shown = `${prompt}> `
    const usages = [helpCommand, ...Object.values(commands.table)].map(({ usage }) => usage)
    this.#editor = createLineEditor({
      input: stdin,
      output: stdout,
      isDumb,
      prompt: shown,
      onInterrupt: interrupt,
      complete: (typed) => completeUsage(typed, usages),
    })
    void answerAll(this.#editor, shown, commands)
  }

  close(): void {
    this.#editor?.close()
  }

  /** A pipe that nobody reads must not fill the memory. */
  #write(line: string): void {
    const { stderr } = this.#streams
    if (stderr.writableLength > terminalLimits.diagnosticsBytes) {
      this.#unseen++
      return
    }
    if (this.#unseen > 0) stderr.write(`(${this.#unseen} lines were not shown: standard error was read too slowly)\n`)
    this.#unseen = 0
    stderr.write(`${line}\n`)
  }
}

/** Whether the text of an answer is a yes. */
const isYes = /^\s*(?:y|yes)\s*$/i

async function answerAll<Target>(
  editor: LineEditor,
  prompt: string,
  commands: OperatorCommands<Target>,
): Promise<void> {
  const lines = editor.lines()[Symbol.asyncIterator]()
  /** The next line is the answer: whatever it is, it is no command. */
  const ask: Confirm = async (question) => {
    editor.print(printable(question))
    editor.setPrompt('yes or no> ')
    const answer = await lines.next()
    editor.setPrompt(prompt)
    return answer.done !== true && isYes.test(answer.value)
  }
  const confirm = editor.interactive ? ask : undefined
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const text = await carryOut(line.value, commands, confirm)
    if (text !== '') editor.print(text.split('\n').map(printable).join('\n'))
  }
}
