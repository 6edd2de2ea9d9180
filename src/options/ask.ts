import type { Key } from 'node:readline'
import { ExitCode, errorMessage, NetlabError } from '../base/errors.ts'
import { drawing, terminalText } from '../base/terminal-door.ts'
import type { TerminalStreams } from './plain-ask.ts'
import type { Ask } from './resolve.ts'
import { defaultText, type OptionSpec } from './spec.ts'

export interface AskStreams extends TerminalStreams {
  /** The terminal obeys no control sequences (TERM=dumb). */
  readonly isDumb?: boolean
}

/** The person closed the prompt with Ctrl-C or Ctrl-D instead of answering. Nothing needs to be said about it. */
export class PromptClosed extends NetlabError {
  constructor(cause?: unknown) {
    super('PROMPT_CLOSED', ExitCode.interrupted, 'the question was not answered', { cause })
  }
}

/**
 * Prompts through @inquirer/prompts: the default is shown, and nonsense is asked again with the reason.
 * Its promise rejects with PromptClosed.
 */
export function asker(streams: AskStreams): Ask {
  if (streams.isDumb === true) return (question, spec) => askPlainly(streams, question, spec)
  return async (asked, spec) => {
    const question = terminalText(asked)
    const prompts = await import('@inquirer/prompts')
    return untilClosed(streams, async (context) => {
      if (spec.kind.placeholder === '') {
        const yes = await prompts.confirm({ message: question, default: defaultText(spec) === 'true' }, context)
        return spec.kind.parse(String(yes))
      }
      if (spec.kind.words !== undefined) {
        const choices = spec.kind.words.map((word) => ({ value: word }))
        const config = { message: question, choices, default: defaultText(spec) ?? '' }
        return spec.kind.parse(await prompts.select(config, context))
      }
      const initial = spec.secret === true ? undefined : defaultText(spec)
      const config = { message: question, validate: (answer: string) => answer === initial || reason(spec, answer) }
      const answer =
        spec.secret === true
          ? await prompts.password({ ...config, mask: true }, context)
          : await prompts.input({ ...config, ...(initial !== undefined && { default: initial }) }, context)
      // The default may be written in words that its kind can't parse.
      return answer === initial ? spec.default : spec.kind.parse(answer)
    })
  }
}

/** The same on a terminal without control sequences. */
async function askPlainly<T>(streams: AskStreams, question: string, spec: OptionSpec<T>): Promise<T> {
  const { askLine, askSecret } = await import('./plain-ask.ts')
  const isFlag = spec.kind.placeholder === ''
  const initial = spec.secret === true ? undefined : defaultText(spec)
  const words = isFlag ? ['yes', 'no'] : spec.kind.words
  const shown = isFlag ? (initial === 'true' ? 'yes' : 'no') : initial
  const hints = [
    ...(words === undefined ? [] : [`(${words.join(', ')})`]),
    ...(shown === undefined ? [] : [`[${shown}]`]),
  ]
  const text = [question, ...hints].join(' ')
  for (;;) {
    const answer = await unlessClosed(streams, (spec.secret === true ? askSecret : askLine)(streams, `${text}:`))
    if (answer === '' && initial !== undefined) return spec.default
    const problem = reason(spec, answer)
    if (problem === true) return spec.kind.parse(answer)
    streams.output.write(`${problem}\n`)
  }
}

/** An answer, or PromptClosed where the person gave none. */
async function unlessClosed({ signal }: AskStreams, answer: Promise<string | undefined>): Promise<string> {
  const given = await answer.catch((error: unknown) => {
    if (signal.aborted) throw new PromptClosed(error)
    throw error
  })
  if (given === undefined) throw new PromptClosed()
  return given
}

export interface ChoiceItem<T> {
  readonly value: T
  readonly name: string
  /** What stands there when it was chosen. */
  readonly short?: string
}

/** Lets a person choose one of several. Its promise rejects with PromptClosed. */
export async function choose<T>(streams: AskStreams, message: string, choices: readonly ChoiceItem<T>[]): Promise<T> {
  if (streams.isDumb !== true) {
    const { select } = await import('@inquirer/prompts')
    const safe = choices.map(({ value, name, short = name }) => ({
      value,
      name: terminalText(name),
      short: terminalText(short),
    }))
    return untilClosed(streams, (context) => select({ message: terminalText(message), choices: safe }, context))
  }
  const { askLine } = await import('./plain-ask.ts')
  const list = choices.map(({ name }, index) => `${String(index + 1).padStart(2)}  ${name}\n`).join('')
  streams.output.write(`${message}\n${list}`)
  for (;;) {
    const answer = await unlessClosed(streams, askLine(streams, `1 to ${choices.length}:`))
    const chosen = choices[Number(answer) - 1]
    if (chosen !== undefined) return chosen.value
  }
}

/** Runs a prompt, and turns every way a person can refuse to answer into PromptClosed. */
export async function untilClosed<T>(
  { input, output, signal }: AskStreams,
  prompt: (context: AskStreams) => Promise<T>,
): Promise<T> {
  const closed = new AbortController()
  const close = () => closed.abort()
  // On Ctrl-D readline closes without a word to the prompt; but it pauses its input, unless it was stopped by Ctrl-Z before,
  // and leaves raw mode. Back from Ctrl-Z it pauses as well, for somebody to resume, and stays in raw mode.
  const look = () => setImmediate(() => (input.isRaw === true ? over || input.resume() : close()))
  // Where no shell can stop us readline doesn't notice that it goes on: what is typed would be seen, a password too.
  const stay = () => setImmediate(() => over || input.setRawMode?.(true))
  const onKey = (_: unknown, key: Key | undefined) => {
    if (key?.ctrl === true && key.name === 'd') look()
    if (key?.ctrl === true && key.name === 'z') stay()
  }
  let over = false
  input.on('pause', look).on('keypress', onKey).once('end', close)
  try {
    return await prompt({ input, output: drawing(output), signal: AbortSignal.any([signal, closed.signal]) })
  } catch (error) {
    // A prompt that ends because its terminal is gone rejects with what it met when it gave the terminal back.
    const ended = signal.aborted || closed.signal.aborted
    if (ended || (error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name))) {
      throw new PromptClosed(error)
    }
    throw error
  } finally {
    over = true
    input.removeListener('pause', look).removeListener('keypress', onKey).removeListener('end', close)
  }
}

/** True, or why the answer can't be taken. */
function reason(spec: OptionSpec<unknown>, answer: string): true | string {
  try {
    spec.kind.parse(answer)
    return true
  } catch (error) {
    return terminalText(errorMessage(error))
  }
}
