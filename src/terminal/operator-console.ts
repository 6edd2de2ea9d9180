import { once } from 'node:events'
import { ExitCode, errorMessage, NetlabError, UsageError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { suggest } from '../base/suggest.ts'
import { printable } from '../base/visible.ts'
import { formatTable } from './format.ts'
import { terminalLimits } from './limits.ts'
import { createLineEditor, type LineEditor, type LineEditorOptions } from './line-editor.ts'

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
  run(words: readonly string[], target: Target, operator: Operator): string | Promise<string>
}

/** Whoever typed a command: somebody at the console, a program at its other end, or `netlab control`. */
export interface Operator {
  /**
   * Asks whether they mean it, before what can't be undone. @param hint how it is said at once, where nobody can be asked
   * @throws {NetlabError} unless the answer is yes
   */
  confirm(question: string, hint: string): Promise<void>
  /**
   * Lets `work` show lines as they come, until it ends or they want it no more, which aborts the signal. `show` resolves when a text
   * has gone where it is read. @throws {NetlabError} where nothing can be shown later
   */
  follow(work: (show: (text: string) => Promise<void>, signal: AbortSignal) => Promise<void>): Promise<void>
}

/** Nobody who could be asked. */
export const unasked: Operator = {
  async confirm(question, hint) {
    throw new UsageError(question, { hint })
  },
  async follow() {
    throw new UsageError('nothing can be shown here later')
  },
}

/** The same operator, who has said yes already. */
export function agreed(operator: Operator): Operator {
  return { ...operator, confirm: async () => {} }
}

/** What a line was answered. */
export interface Answer {
  readonly text: string
  /** Of whoever asks from a script; `ok` when the command did what it says. */
  readonly exit: ExitCode
}

/** For a command that has nothing to do: nobody is called so, nothing is paused. Its answer is `sentence`, its exit code 1. */
export function nothingDone(sentence: string, hint?: string): NetlabError {
  return new NetlabError('NOTHING_DONE', ExitCode.negative, sentence, hint === undefined ? {} : { hint })
}

/** The commands of one kind of server, by their first word. `help` comes with every table. */
export type OperatorTable<Target> = Readonly<Record<string, OperatorCommand<Target>>>

export interface OperatorCommands<Target> {
  /** The services of this server: a line that begins with a name of them is for that one. */
  readonly services?: ReadonlyMap<string, ConsoleCommands['carryOut']>
  readonly table: OperatorTable<Target>
  readonly target: Target
  readonly record: EventSink
}

/** For a word that a command has no use for. */
export function extraWord(word: string, usage: string): UsageError {
  return new UsageError(`"${word}" is one word too many`, { hint: `type: ${usage}` })
}

/**
 * Carries out one line that an operator typed and returns the answer, without a newline at its end; empty for an empty line.
 * The case of the command does not matter.
 */
export async function carryOut<Target>(
  line: string,
  commands: OperatorCommands<Target>,
  operator = unasked,
): Promise<Answer> {
  const [, service = '', rest = ''] = /^\s*(\S+)\s+(.*?)\s*$/s.exec(line) ?? []
  const addressed = rest === '' ? undefined : commands.services?.get(service.toLowerCase())
  if (addressed !== undefined) return addressed(rest, operator)
  try {
    return { text: await answerTo(line, commands, operator), exit: ExitCode.ok }
  } catch (error) {
    if (error instanceof NetlabError) {
      return { text: `${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`, exit: error.exit }
    }
    commands.record({ type: 'fault', where: 'operator console', error: errorMessage(error) })
    return { text: errorMessage(error), exit: ExitCode.software }
  }
}

async function answerTo<Target>(line: string, commands: OperatorCommands<Target>, operator: Operator): Promise<string> {
  const { table, target } = commands
  const [, typed = '', rest = ''] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(line) ?? []
  if (typed === '') return ''
  const name = typed.toLowerCase()
  if (name === 'help') {
    wordsOf(helpCommand, rest)
    return helpText(table)
  }
  const command = Object.hasOwn(table, name) ? table[name] : undefined
  if (command === undefined) throw noCommand(typed, ['help', ...Object.keys(table)])
  const yes = command.asks === true ? /(?:^|\s)--yes$/.exec(rest) : null
  if (yes === null) return command.run(wordsOf(command, rest), target, operator)
  return command.run(wordsOf(command, rest.slice(0, yes.index).trimEnd()), target, agreed(operator))
}

const helpCommand: OperatorUsage = { usage: 'help', summary: 'what you can type here' }

function helpText<Target>(table: OperatorTable<Target>): string {
  return formatTable([helpCommand, ...Object.values(table)].map(({ usage, summary }) => [usage, summary]))
}

/** A word that stands in quotes because it has spaces inside, without them. */
export function unquoted(word: string): string {
  return /^"([^"]*)"$/.exec(word)?.[1] ?? word
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

function noCommand(word: string, names: readonly string[]): UsageError {
  const near = suggest(word.toLowerCase(), names)
  const meant = near === undefined ? '' : `did you mean ${near}? `
  return new UsageError(`"${word}" is no command; ${meant}"help" shows what you can type here`)
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

/** What can be typed at a console. */
export interface ConsoleCommands {
  /** Of all commands, for Tab. */
  readonly usages: readonly string[]
  /** Never rejects. */
  carryOut(line: string, operator: Operator): Promise<Answer>
  /** What is said at Ctrl-D, after which a prompt with editing stays. Without it Ctrl-D ends the commands. */
  readonly onEnd?: (stays: boolean) => string
}

/** The commands of a table at the console of their own server, which serves this. */
export function consoleCommands<Target>(name: string, commands: OperatorCommands<Target>): ConsoleCommands {
  const own: ConsoleCommands['carryOut'] = (line, operator) => carryOut(line, commands, operator)
  const services = new Map([[name, own], ...(commands.services ?? [])])
  return {
    usages: [helpCommand, ...Object.values(commands.table)].map(({ usage }) => usage),
    carryOut: (line, operator) => carryOut(line, { ...commands, services }, operator),
    onEnd: (stays) => `the server goes on; ${stays ? '"stop" ends it, and so does Ctrl-C' : 'Ctrl-C ends it'}`,
  }
}

/** What the console needs of its process. */
export interface ConsoleStreams {
  readonly stdin: LineEditorOptions['input']
  /** Only a terminal or a pipe has somebody at its other end who types commands. */
  readonly stdinKind: 'terminal' | 'pipe' | 'other'
  readonly stdout: LineEditorOptions['output'] & { readonly writableNeedDrain?: boolean }
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

  /**
   * Starts to take commands, a line each. The end of the input ends the commands, not the server: resolves then, and at once where
   * nobody types any.
   */
  async start(prompt: string, { usages, carryOut, onEnd }: ConsoleCommands): Promise<void> {
    const { stdin, stdinKind, stdout, isDumb, interrupt } = this.#streams
    if (!this.#wanted || stdinKind === 'other') return
    const editor = createLineEditor({
      input: stdin,
      output: stdout,
      isDumb,
      prompt: `${prompt}> `,
      onInterrupt: () => void (operator.unfollow() || interrupt()),
      ...(onEnd !== undefined && { onEnd: (stays: boolean) => editor.print(onEnd(stays)) }),
      complete: (typed) => completeUsage(typed, usages),
    })
    const operator = new ConsoleOperator(editor, `${prompt}> `, stdout)
    this.#editor = editor
    await operator.carryOutAll(carryOut)
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

/** Carries out the lines of the console one after the other. What is followed ends with the next line, or Ctrl-C. */
class ConsoleOperator implements Operator {
  readonly #editor: LineEditor
  readonly #prompt: string
  readonly #output: ConsoleStreams['stdout']
  readonly #lines: AsyncIterator<string>
  #followed: AbortController | undefined
  #onFollow: () => void = () => undefined

  constructor(editor: LineEditor, prompt: string, output: ConsoleStreams['stdout']) {
    this.#editor = editor
    this.#output = output
    this.#prompt = prompt
    this.#lines = editor.lines()[Symbol.asyncIterator]()
  }

  async carryOutAll(carryOut: ConsoleCommands['carryOut']): Promise<void> {
    let before: Promise<void> = Promise.resolve()
    for (let line = await this.#lines.next(); line.done !== true; line = await this.#lines.next()) {
      this.unfollow()
      await before
      const follows = new Promise<void>((resolve) => {
        this.#onFollow = resolve
      })
      before = carryOut(line.value, this).then(({ text }) => this.#show(text))
      await Promise.race([before, follows])
    }
  }

  /** Ends what is shown as it comes; false when nothing is. */
  unfollow(): boolean {
    if (this.#followed === undefined) return false
    this.#followed.abort()
    this.#followed = undefined
    return true
  }

  async confirm(question: string, hint: string): Promise<void> {
    if (!this.#editor.interactive) return unasked.confirm(question, hint)
    this.#editor.setPrompt(`${question} Type "yes": `)
    const { value = '' } = await this.#lines.next()
    this.#editor.setPrompt(this.#prompt)
    if (value.trim().toLowerCase() !== 'yes') throw nothingDone('nothing was done')
  }

  async follow(...[work]: Parameters<Operator['follow']>): Promise<void> {
    this.#followed = new AbortController()
    const { signal } = this.#followed
    if (this.#editor.interactive) this.#editor.print('(Enter ends it)')
    this.#onFollow()
    const show = async (text: string): Promise<void> => {
      this.#show(text)
      if (this.#output.writableNeedDrain === true) await once(this.#output, 'drain')
    }
    await work(show, signal)
  }

  #show(text: string): void {
    if (text !== '') this.#editor.print(text.split('\n').map(printable).join('\n'))
  }
}
