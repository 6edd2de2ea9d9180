import TransportStream from 'winston-transport'
import { limits } from '../base/limits.ts'
import type { Batch, BatchTransport } from './batch.ts'
import { renderLine } from './render.ts'

/**
 * winston's way to the terminal, which the main thread owns: lines for a person, sent there. While more than
 * `limits.logConsoleBytes` is under way, batches wait here and are not acknowledged, so that a slow terminal slows the
 * recording threads down instead of filling the memory. (winston hands over several batches without waiting for `next`.)
 */
export class ConsoleTransport extends TransportStream implements BatchTransport {
  readonly #send: (text: string) => void
  readonly #waiting: Batch[] = []
  #underWay = 0

  constructor(send: (text: string) => void) {
    super()
    this.#send = send
  }

  override log(batch: Batch, next: () => void): void {
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
    while (this.#underWay <= limits.logConsoleBytes) {
      const batch = this.#waiting.shift()
      if (batch === undefined) return
      const text = batch.lines.replace(/.+/g, renderLine)
      this.#underWay += text.length
      this.#send(text)
      batch.taken()
    }
  }
}
