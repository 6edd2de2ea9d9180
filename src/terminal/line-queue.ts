import { Fifo } from '../base/fifo.ts'

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
