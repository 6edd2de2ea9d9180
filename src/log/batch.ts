import type TransportStream from 'winston-transport'

/** What goes through winston: finished lines, and a call for each transport to say that it has dealt with them. */
export interface Batch {
  readonly level: string
  readonly message: string
  readonly lines: string
  readonly taken: () => void
}

/** A winston transport for batches. */
export type BatchTransport = TransportStream & { log(batch: Batch, next: () => void): void }
