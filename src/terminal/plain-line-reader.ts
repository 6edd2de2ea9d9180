import { StringDecoder } from 'node:string_decoder'
import { limits } from '../base/limits.ts'
import type { LineEditor, LineEditorOptions } from './line-editor.ts'
import { LineQueue } from './line-queue.ts'

/** Lines read ahead of the one who takes them; above it the input pauses. */
const aheadCount = 256

/** Lines from a pipe or a file. What a line has beyond `limits.typedLineBytes` characters is dropped. */
export class PlainLineReader implements LineEditor {
  readonly interactive = false
  readonly #input: LineEditorOptions['input']
  readonly #output: LineEditorOptions['output']
  readonly #queue = new LineQueue()
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''

  constructor(options: LineEditorOptions) {
    this.#input = options.input
    this.#output = options.output
    this.#input.on('data', this.#take)
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
    if (this.#queue.size > aheadCount) this.#input.pause()
  }

  readonly #finish = (): void => {
    const last = this.#rest + this.#decoder.end()
    if (last !== '') this.#queue.push(last)
    this.close()
  }
}

function cut(line: string): string {
  return line.length > limits.typedLineBytes ? line.slice(0, limits.typedLineBytes) : line
}
