import { PlainLineReader } from './plain-line-reader.ts'
import { TerminalLineEditor } from './terminal-line-editor.ts'

export interface LineEditorOptions {
  readonly input: NodeJS.ReadableStream & {
    readonly isTTY?: boolean
    readonly readableEnded?: boolean
    setRawMode?(raw: boolean): unknown
  }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
  /** Stands in front of the line being typed; one row. Not shown where there is no terminal. */
  readonly prompt: string
  /** Ctrl-C, which a terminal that edits lines does not turn into a signal. Without it Ctrl-C ends the input. */
  readonly onInterrupt?: () => void
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
   * Prints `text` on rows of its own, above the line being typed, which stays as it is. The text may have several lines; it
   * must be safe for a terminal (see `printable`).
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

/** An editor on a terminal, when both streams are one; otherwise a plain reader with the same face. */
export function createLineEditor(options: LineEditorOptions): LineEditor {
  const interactive = options.input.isTTY === true && options.output.isTTY === true
  return interactive ? new TerminalLineEditor(options) : new PlainLineReader(options)
}
