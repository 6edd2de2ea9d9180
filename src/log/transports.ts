import TransportStream from 'winston-transport'
import { logLimits } from './limits.ts'
import type { LogStore } from './log-store.ts'
import { renderLine } from './render.ts'

/** What goes through winston: finished lines, and a call for each transport to say that it has dealt with them. */
export interface LogBatch {
  readonly level: string
  readonly message: string
  readonly lines: string
  readonly taken: () => void
}

/** A winston transport for batches. */
export type LogTransport = TransportStream & { log(batch: LogBatch, next: () => void): void }

/** winston's way to the file. A batch is written before the next one is looked at. */
export class FileTransport extends TransportStream implements LogTransport {
  readonly #store: LogStore

  constructor(store: LogStore) {
    super()
    this.#store = store
  }

  override log(batch: LogBatch, next: () => void): void {
    this.#store.write(batch.lines)
    batch.taken()
    next()
  }
}

/**
 * winston's way to the terminal, which the main thread owns: lines for a person, sent there. While more than
 * `logLimits.consoleLength` is under way, batches wait here and are not acknowledged, so that a slow terminal slows the
 * recording threads down instead of filling the memory. (winston hands over several batches without waiting for `next`.)
 */
export class ConsoleTransport extends TransportStream implements LogTransport {
  readonly #send: (text: string) => void
  readonly #waiting: LogBatch[] = []
  #underWay = 0

  constructor(send: (text: string) => void) {
    super()
    this.#send = send
  }

  override log(batch: LogBatch, next: () => void): void {
    this.#waiting.push(batch)
    this.#sendSome()
    next()
  }

  /** The main thread has shown text of this length. */
  shown(length: number): void {
    this.#underWay -= length
    this.#sendSome()
  }

  #sendSome(): void {
    while (this.#underWay <= logLimits.consoleLength) {
      const batch = this.#waiting.shift()
      if (batch === undefined) return
      const text = batch.lines.replace(/.+/g, renderLine)
      this.#underWay += text.length
      this.#send(text)
      batch.taken()
    }
  }
}
