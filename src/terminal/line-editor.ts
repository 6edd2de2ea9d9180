import { createInterface, type Interface, type Key } from 'node:readline'
import { Writable } from 'node:stream'
import { limits } from '../base/limits.ts'
import { drawing, terminalText } from '../base/terminal-door.ts'
import { terminalLimits } from './limits.ts'
import { type LineEditor, type LineEditorOptions, LineQueue, PlainLineReader } from './line-input.ts'

export type { LineEditor, LineEditorOptions } from './line-input.ts'

/** An editor on a terminal, when both streams are one; otherwise a plain reader with the same face. */
export function createLineEditor(options: LineEditorOptions): LineEditor {
  const interactive = options.input.isTTY === true && options.output.isTTY === true
  if (!interactive || options.isDumb === true) return new PlainLineReader(options, interactive)
  return new TerminalLineEditor({ ...options, output: drawing(options.output) })
}

/**
 * A prompt on a terminal, with text printed above it. `readline` keeps the line, the cursor, the keys and the history, but
 * writes nowhere: it draws pasted text wrongly once that reaches a second row or the middle of a line, and it cannot know
 * what else was printed. Drawing happens here, once for each burst of keys or prints.
 */
export class TerminalLineEditor implements LineEditor {
  readonly interactive = true
  readonly #options: LineEditorOptions
  readonly #readline: Interface
  readonly #queue = new LineQueue()
  #prompt: string
  #status = ''
  /** Printed text whose line has not ended. */
  #begun = ''
  #open = true
  #closing = false
  #scheduled = false
  /** The shell has the terminal, or is about to. */
  #suspended = false
  /** Rows from the first row drawn to the cursor; undefined while nothing is drawn. */
  #cursorRow: number | undefined

  constructor(options: LineEditorOptions) {
    this.#options = options
    const { input, output, prompt } = options
    this.#prompt = terminalText(prompt)
    this.#readline = createInterface({
      input,
      output: new Unseen(output),
      prompt,
      terminal: true,
      historySize: terminalLimits.historyCount,
      removeHistoryDuplicates: true,
      completer: (typed: string) => this.#complete(typed),
    })
    // Before readline's own listener, which stops the process at Ctrl-Z.
    input.prependListener('keypress', this.#onKey)
    output.on('resize', this.#onResize)
    this.#readline.on('line', (line) => this.#enter(line))
    this.#readline.on('SIGINT', () => (options.onInterrupt ?? (() => this.close()))())
    this.#readline.on('SIGCONT', this.#onContinue)
    this.#readline.once('close', () => this.#ended())
    this.#readline.on('error', () => this.close())
    // Ctrl-D before there was a prompt: nothing more will ever come, not even Ctrl-C.
    if (input.readableEnded === true) this.close()
    this.#schedule()
  }

  lines(): AsyncIterable<string> {
    return this.#queue
  }

  print(text: string): void {
    const safe = terminalText(text)
    this.#options.output.write(this.#erased() + (safe.endsWith('\n') ? safe : `${safe}\n`))
    this.#schedule()
  }

  write(text: string): void {
    const all = this.#begun + terminalText(text)
    const end = all.length > limits.lineBytes ? all.length : all.lastIndexOf('\n') + 1
    this.#begun = all.slice(end)
    if (end > 0) this.print(all.slice(0, end))
    else this.#schedule()
  }

  setStatus(text: string): void {
    this.#status = terminalText(text)
    this.#schedule()
  }

  setPrompt(prompt: string): void {
    this.#prompt = terminalText(prompt)
    this.#schedule()
  }

  close(): void {
    // A terminal that is gone says so again when readline leaves raw mode.
    if (this.#closing) return
    this.#closing = true
    this.#readline.close()
  }

  #enter(line: string): void {
    const { output, vanishes } = this.#options
    const entered = vanishes?.(line) === true ? '' : `${this.#prompt}${line}\n`
    output.write(this.#erased() + this.#takeBegun() + entered)
    this.#queue.push(line)
    this.#schedule()
  }

  /** Readline puts in what all that was found begin with; where that is not more than the word, they are shown. */
  #complete(typed: string): [found: string[], word: string] {
    const { word, found } = this.#options.complete?.(typed) ?? { word: '', found: [] }
    const [first = '', ...others] = found
    const next = first.slice(0, word.length + 1)
    if (others.some((one) => !one.startsWith(next)))
      this.print(found.slice(0, terminalLimits.completionCount).join(' '))
    return [[...found], word]
  }

  #ended(): void {
    if (!this.#open) return
    const { input, output } = this.#options
    output.write(this.#erased() + this.#takeBegun())
    this.#open = false
    input.off('keypress', this.#onKey)
    output.off('resize', this.#onResize)
    this.#queue.end()
  }

  readonly #onKey = (_: string | undefined, key: Key | undefined): void => {
    const command = key?.ctrl === true ? key.name : undefined
    const { onEnd } = this.#options
    if (command === 'd' && onEnd !== undefined && this.#readline.line === '') {
      // Readline, which gets the same key next, would end the input.
      Object.assign(key ?? {}, { name: undefined })
      onEnd(true)
    }
    this.#suspended = command === 'z'
    if (this.#suspended) {
      this.#options.output.write(this.#erased())
      setImmediate(this.#onSuspended)
    }
    if (command === 'l') {
      this.#options.output.write('\x1b[H\x1b[2J')
      this.#cursorRow = undefined
    }
    this.#schedule()
  }

  /** Terminals wrap again what stands there when their width changes. */
  readonly #onResize = (): void => {
    if (this.#cursorRow !== undefined) this.#cursorRow = this.#readline.getCursorPos().rows
    this.#schedule()
  }

  /**
   * Readline has stopped the process, which went on since; or it did not stop, because no shell is there to wake it (in a
   * window, an ssh session or a container of its own). Readline would leave the terminal to its line mode then.
   */
  readonly #onSuspended = (): void => {
    if (!this.#suspended || !this.#open) return
    this.#suspended = false
    this.#options.input.setRawMode?.(true)
    this.#schedule()
  }

  /** Back from the shell. readline has paused its input, to be resumed by whoever listens. */
  readonly #onContinue = (): void => {
    this.#suspended = false
    this.#readline.resume()
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || !this.#open) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (this.#open && !this.#suspended) this.#draw()
    })
  }

  #draw(): void {
    const before = this.#erased()
    const rows = [this.#begun, this.#status].filter((row) => row !== '')
    const prompt = [...rows, this.#prompt].join('\n')
    this.#readline.setPrompt(prompt)
    const at = this.#readline.getCursorPos()
    const end = this.#endPosition()
    // A full last row leaves the cursor on it until one more character comes.
    const wrapped = end.cols === 0 ? ' ' : ''
    const back = up(end.rows - at.rows) + (at.cols > 0 ? `\r\x1b[${at.cols}C` : '\r')
    this.#options.output.write(before + prompt + this.#readline.line + wrapped + back)
    this.#cursorRow = at.rows
  }

  #endPosition(): { readonly rows: number; readonly cols: number } {
    const { cursor, line } = this.#readline
    Object.assign(this.#readline, { cursor: line.length })
    const end = this.#readline.getCursorPos()
    Object.assign(this.#readline, { cursor })
    return end
  }

  #takeBegun(): string {
    const rows = this.#begun === '' ? '' : `${this.#begun}\n`
    this.#begun = ''
    return rows
  }

  /** What takes the drawing away, so that something else can be written in its place. */
  #erased(): string {
    if (this.#cursorRow === undefined) return ''
    const rows = this.#cursorRow
    this.#cursorRow = undefined
    return `${up(rows)}\r\x1b[J`
  }
}

function up(rows: number): string {
  return rows > 0 ? `\x1b[${rows}A` : ''
}

/** Takes what `readline` draws, and tells it how wide the real terminal is. */
class Unseen extends Writable {
  readonly #terminal: LineEditorOptions['output']

  constructor(terminal: LineEditorOptions['output']) {
    super()
    this.#terminal = terminal
  }

  get columns(): number | undefined {
    return this.#terminal.columns
  }

  override _write(_: unknown, _encoding: BufferEncoding, done: () => void): void {
    done()
  }
}
