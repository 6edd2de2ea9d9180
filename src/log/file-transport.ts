import TransportStream from 'winston-transport'
import type { Batch, BatchTransport } from './batch.ts'
import type { LogStore } from './log-store.ts'

/** winston's way to the file. A batch is dealt with before the next one is looked at. */
export class FileTransport extends TransportStream implements BatchTransport {
  readonly #store: LogStore

  constructor(store: LogStore) {
    super()
    this.#store = store
  }

  override log(batch: Batch, next: () => void): void {
    this.#store.write(batch.lines)
    batch.taken()
    next()
  }
}
