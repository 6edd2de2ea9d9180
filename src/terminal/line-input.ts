import { StringDecoder } from 'node:string_decoder'
import { Fifo } from '../base/fifo.ts'
import { terminalLimits } from './limits.ts'

export interface LineEditorOptions {
  readonly input: NodeJS.ReadableStream & {
    readonly isTTY?: boolean
    readonly readableEnded?: boolean
    setRawMode?(raw: boolean): unknown
  }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
  /** Stands in front of the line being typed; one row. Not shown where there is no terminal. */
  readonly prompt: string
  /** The terminal obeys no control sequences: it edits lines itself, and Ctrl-C and Ctrl-Z are its own. */
  readonly isDumb?: boolean
  /** Ctrl-C, which a terminal that edits lines does not turn into a signal. Without it Ctrl-C ends the input. */
  readonly onInterrupt?: () => void
  /**
   * Somebody at a terminal typed Ctrl-D on an empty line. A prompt with editing stays then; without control sequences no more
   * lines come. Without this Ctrl-D ends the input in any case.
   */
  readonly onEnd?: (stays: boolean) => void
  /** Whether an entered line goes from the screen, because it will be printed again as others see it. Default: it stays. */
  readonly vanishes?: (line: string) => boolean
  /** Tab: what the last word before the cursor may become, and that word. Default: nothing. */
  readonly complete?: (beforeCursor: string) => { readonly word: string; readonly found: readonly string[] }
}

/** Lines that a person types at a prompt, and text printed above it; or simply lines, where there is no terminal. */
export interface LineEditor {
  /** Whether there is a prompt with editing and history. */
  readonly interactive: boolean
  /** The lines as they are entered; for one reader. Ends at Ctrl-D on an empty line, at the end of the input, or by `close`. */
  lines(): AsyncIterable<string>
  /**
   * Prints `text` on rows of its own, above the line being typed, which stays as it is. The text may have several lines. On a
   * terminal nothing in it acts but colours of ours (see `terminalText`).
   */
  print(text: string): void
  /**
   * Prints a stream of text as it comes. What has no newline yet stands above the prompt until its rest arrives or a line is
   * entered, as an answer to it.
   */
  write(text: string): void
  /** A row above the prompt that is replaced in place and leaves no trace; '' for none. Nothing without a terminal. */
  setStatus(text: string): void
  /** Another one stands in front of the line from now on. */
  setPrompt(prompt: string): void
  /** Takes the prompt away and gives the streams back. */
  close(): void
}

/** Lines on their way from whoever types them to whoever reads them, one reader. */
export class LineQueue implements AsyncIterable<string> {
  readonly #lines = new Fifo<string>()
  #ended = false
  #wake: (() => void) | undefined

  /** Lines that wait. */
  get size(): number {
    return this.#lines.size
  }

  push(line: string): void {
    this.#lines.push(line)
    this.#wake?.()
  }

  /** No more lines will come; those that wait are still read. */
  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    for (;;) {
      const line = this.#lines.shift()
      if (line !== undefined) yield line
      else if (this.#ended) return
      else await this.#change()
    }
  }

  #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return promise
  }
}

/** Lines from a pipe, a file or a terminal without control sequences. A line is cut at `terminalLimits.typedLineChars`. */
export class PlainLineReader implements LineEditor {
  readonly interactive: boolean
  readonly #input: LineEditorOptions['input']
  readonly #output: LineEditorOptions['output']
  readonly #queue = new LineQueue()
  readonly #decoder = new StringDecoder('utf8')
  readonly #onEnd: LineEditorOptions['onEnd']
  #rest = ''

  /** @param interactive somebody sits there */
  constructor(options: LineEditorOptions, interactive = false) {
    this.interactive = interactive
    this.#onEnd = options.onEnd
    this.#input = options.input
    this.#output = options.output
    this.#input.on('data', this.#take)
    // A question before may have paused it.
    if (interactive) this.#input.resume()
    this.#input.once('end', this.#finish)
    this.#input.once('error', this.#finish)
  }

  async *lines(): AsyncGenerator<string, void, undefined> {
    for await (const line of this.#queue) {
      yield line
      if (this.#queue.size === 0) this.#input.resume()
    }
  }

  print(text: string): void {
    this.#output.write(text.endsWith('\n') ? text : `${text}\n`)
  }

  setPrompt(): void {}

  write(text: string): void {
    this.#output.write(text)
  }

  setStatus(): void {}

  close(): void {
    this.#input.off('data', this.#take)
    this.#input.off('end', this.#finish)
    this.#input.pause()
    this.#queue.end()
  }

  readonly #take = (chunk: Buffer | string): void => {
    const lines = (typeof chunk === 'string' ? chunk : this.#decoder.write(chunk)).split('\n')
    const last = lines.pop() ?? ''
    for (const line of lines) {
      this.#queue.push(cut(this.#rest + line).replace(/\r$/, ''))
      this.#rest = ''
    }
    this.#rest = cut(this.#rest + last)
    if (this.#queue.size > terminalLimits.aheadCount) this.#input.pause()
  }

  readonly #finish = (): void => {
    const last = this.#rest + this.#decoder.end()
    if (last !== '') this.#queue.push(last)
    if (this.interactive) this.#onEnd?.(false)
    this.close()
  }
}

function cut(line: string): string {
  return line.length > terminalLimits.typedLineChars ? line.slice(0, terminalLimits.typedLineChars) : line
}
