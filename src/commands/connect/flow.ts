import type { Readable, Writable } from 'node:stream'

/** Hands a source's chunks to `take`, and reads on only while every sink takes more. */
export class Flow {
  readonly #source: Readable
  readonly #sinks: readonly Writable[]
  readonly #take: (chunk: Buffer) => void
  #stopped = false

  constructor(source: Readable, sinks: readonly Writable[], take: (chunk: Buffer) => void) {
    this.#source = source
    this.#sinks = sinks
    this.#take = take
    source.on('data', this.#onData)
  }

  /** Reads no more. The streams stay open. */
  stop(): void {
    this.#stopped = true
    this.#source.off('data', this.#onData)
    this.#source.pause()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#take(chunk)
    if (this.#full() === undefined) return
    this.#source.pause()
    this.#goOn()
  }

  readonly #goOn = (): void => {
    if (this.#stopped) return
    const full = this.#full()
    if (full === undefined) this.#source.resume()
    else full.once('drain', this.#goOn)
  }

  #full(): Writable | undefined {
    return this.#sinks.find((sink) => sink.writableNeedDrain)
  }
}
