import type { Outcome } from '../outcome.ts'

/** An address to connect to, parsed once however many ports it has. */
export interface Target {
  readonly address: string
  readonly family: 4 | 6
}

/** Told how an attempt ended; `banner` only where one was asked for and something was said. */
export type Settled = (ticket: number, outcome: Outcome, rttMs: number, banner?: Uint8Array) => void

/**
 * Makes TCP connects, many at a time. Tickets are small integers that the caller chooses and reuses; one ticket is in
 * use from `connect` until `settled` or `abandon`. The engine keeps no time: who calls it abandons what took too long.
 */
export interface Engine {
  readonly name: 'net' | 'libc'
  /** May call `settled` before it returns. `bannerMs` above 0: a connected socket is read for that long first. */
  connect(ticket: number, target: Target, port: number, bannerMs: number): void
  /** Forgets an attempt: its socket is closed, and `settled` is not called for it. */
  abandon(ticket: number): void
  /** Takes up what has happened without waiting for it to be delivered. */
  poll(): void
  /** Abandons everything. */
  close(): void
}
