import type { Clock } from '../../base/clock.ts'
import type { EngineName, HostAddress } from '../types.ts'

/**
 * How one attempt ended, as a number that fits in shared memory: 0 connected, a negative number for what only the
 * prober can tell, otherwise the system's errno.
 */
export type ConnectOutcome = number

export const CONNECTED: ConnectOutcome = 0
/** Nothing came back in time. */
export const SILENT: ConnectOutcome = -1
/** A self-connect: the source port was the probed one (loopback's ephemeral range). It says nothing about the port. */
export const SELF_CONNECTED: ConnectOutcome = -2

/** The process stood still meanwhile, so that neither silence nor the time of an answer says anything. */
export const STALLED: ConnectOutcome = -3

/** Told how an attempt ended; `banner` only where one was asked for and something was said. */
export type Settled = (ticket: number, outcome: ConnectOutcome, rttMs: number, banner?: Uint8Array) => void

/**
 * Makes TCP connects, many at a time. Tickets are small integers that the caller chooses and reuses; one ticket is in
 * use from `connect` until `settled` or `abandon`. The engine keeps no time: who calls it abandons what took too long.
 */
export interface Engine {
  readonly name: EngineName
  /** May call `settled` before it returns. `bannerMs` above 0: a connected socket is read for that long first. */
  connect(ticket: number, host: HostAddress, port: number, bannerMs: number): void
  /** Forgets an attempt: its socket is closed, and `settled` is not called for it. */
  abandon(ticket: number): void
  /** Takes up what has happened without waiting for it to be delivered. */
  poll(): void
  /** Abandons everything. */
  close(): void
}

/** Makes an engine that settles tickets as its attempts end. */
export type MakeEngine = (clock: Clock, settled: Settled) => Engine
