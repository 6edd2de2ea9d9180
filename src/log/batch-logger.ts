import { createLogger, format, type Logger } from 'winston'
import type { LogStore } from './log-store.ts'
import { levels } from './render.ts'
import { ConsoleTransport, FileTransport, type LogTransport } from './transports.ts'

/** The winston logger of the log thread: finished lines in, out to the file, the terminal, or both. */
export class BatchLogger {
  readonly #transports: readonly LogTransport[]
  readonly #terminal: ConsoleTransport | undefined
  readonly #logger: Logger

  constructor(store: LogStore | undefined, showText: ((text: string) => void) | undefined) {
    this.#terminal = showText === undefined ? undefined : new ConsoleTransport(showText)
    this.#transports = [store === undefined ? undefined : new FileTransport(store), this.#terminal].filter(
      (transport) => transport !== undefined,
    )
    // Batches are finished text: winston's own format would make JSON of them once more.
    const asTheyAre = format((info) => info)()
    this.#logger = createLogger({ levels, level: 'info', format: asTheyAre, transports: [...this.#transports] })
  }

  /** `onTaken` runs when every transport has dealt with the lines. */
  write(lines: string, onTaken: () => void): void {
    let waiting = this.#transports.length
    const taken = (): void => {
      if (--waiting === 0) onTaken()
    }
    this.#logger.write({ level: 'info', message: '', lines, taken })
  }

  /** The main thread has shown text of this length. */
  shown(length: number): void {
    this.#terminal?.shown(length)
  }
}
