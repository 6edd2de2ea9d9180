import { once } from 'node:events'
import { ring } from '../../base/terminal-door.ts'
import { asker } from '../../options/ask.ts'
import type { OptionSpec } from '../../options/spec.ts'
import { createLineEditor, type LineEditor, type LineEditorOptions } from '../../terminal/line-editor.ts'
import type { CommandContext } from '../command.ts'
import { commandLimits } from '../limits.ts'

/**
 * Where a conversation of messages is shown and typed: a terminal with an input line that stays put, or a pipe. Unlike
 * the editor that it holds, it can put a question in the place of the input line.
 */
export class Screen {
  readonly #context: CommandContext
  readonly #onInterrupt: () => void
  #editor: LineEditor
  #asking: Promise<unknown> | undefined
  #held: string[] = []
  #lost = 0
  readonly #closing = new AbortController()
  #status = ''
  #prompt = '> '
  /** Which entered lines go from the terminal, because the server sends them back. */
  vanishes: (line: string) => boolean = () => false
  /** What Tab may make of what is typed. */
  complete: NonNullable<LineEditorOptions['complete']> = () => ({ word: '', found: [] })

  /** @param onInterrupt Ctrl-C at the input line. */
  constructor(context: CommandContext, onInterrupt: () => void) {
    this.#context = context
    this.#onInterrupt = onInterrupt
    this.#editor = this.#open()
  }

  /** Whether somebody sits there. */
  get interactive(): boolean {
    return this.#editor.interactive
  }

  /** Lines that are safe for a terminal. */
  print(text: string): void {
    if (this.#asking === undefined) this.#editor.print(text)
    else if (this.#held.push(text) > commandLimits.heldLineCount) {
      this.#lost += this.#held.splice(0, commandLimits.heldLineCount / 2).length
    }
  }

  /** A remark of our own: no answer of the server's. None is made when all is over. */
  remark(text: string): void {
    if (this.#closing.signal.aborted) return
    if (this.interactive) this.print(text)
    else this.#context.stderr.write(`${text}\n`)
  }

  /** Rings, on a terminal. */
  bell(): void {
    if (this.interactive && !this.#context.isDumb) ring(this.#context.stdout)
  }

  setStatus(text: string): void {
    this.#status = text
    this.#editor.setStatus(text)
  }

  setPrompt(prompt: string): void {
    if (prompt === this.#prompt) return
    this.#prompt = prompt
    this.#editor.setPrompt(prompt)
  }

  /** Resolves once the output takes more. */
  async drained(): Promise<void> {
    if (this.#context.stdout.writableNeedDrain) await once(this.#context.stdout, 'drain')
  }

  /** What is typed, across questions. Ends with the input. */
  async *lines(): AsyncGenerator<string, void, undefined> {
    for (;;) {
      const editor = this.#editor
      yield* editor.lines()
      if (this.#asking !== undefined) await this.#asking
      if (editor === this.#editor) return
    }
  }

  /** Asks in the place of the input line. Rejects with PromptClosed when the person would rather not. */
  async ask<T>(question: string, spec: OptionSpec<T>): Promise<T> {
    const { stdin, stderr, signal, isDumb } = this.#context
    const streams = { input: stdin, output: stderr, isDumb, signal: AbortSignal.any([signal, this.#closing.signal]) }
    const asking = Promise.withResolvers<void>()
    this.#editor.close()
    this.#asking = asking.promise
    try {
      return await asker(streams)(question, spec)
    } finally {
      this.#asking = undefined
      if (!this.#closing.signal.aborted) this.#goOn()
      asking.resolve()
    }
  }

  /** Takes a question away, too; it rejects with PromptClosed. */
  close(): void {
    this.#closing.abort()
    this.#editor.close()
  }

  /** After a question: the input line again, and what came meanwhile. */
  #goOn(): void {
    this.#editor = this.#open()
    const lost =
      this.#lost === 0 ? [] : [`(${this.#lost} earlier ones came while the question stood, and are not shown)`]
    for (const text of [...lost, ...this.#held.splice(0)]) this.#editor.print(text)
    this.#lost = 0
  }

  #open(): LineEditor {
    const { stdin, stdout, isDumb } = this.#context
    const editor = createLineEditor({
      ...{ input: stdin, output: stdout, isDumb, prompt: this.#prompt },
      onInterrupt: this.#onInterrupt,
      vanishes: (line) => this.vanishes(line),
      complete: (typed) => this.complete(typed),
    })
    editor.setStatus(this.#status)
    return editor
  }
}
