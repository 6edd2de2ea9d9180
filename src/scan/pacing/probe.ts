import type { Epoch, Purpose } from './epoch.ts'
import type { HostTrack } from './host-track.ts'

/** One attempt, from `next` until it is settled. */
export interface Probe {
  readonly track: HostTrack
  readonly port: number
  readonly purpose: Purpose
  /** This attempt's number, from 1. */
  readonly attempt: number
  /** How long to wait for the answer. */
  readonly timeoutMs: number
  /** How long a first attempt made at the same moment would wait. */
  readonly patienceMs: number
  readonly epoch: Epoch
  /** Its number among all that were sent. */
  readonly serial: number
  /** The chance that the attempts before this one were all lost although the port is open. */
  readonly doubt: number
  /** How often our own system failed to make it. */
  readonly failures: number
}

/** How an attempt ended, in the pacing's terms. */
export type Ending =
  | { readonly kind: 'answer'; readonly is: 'open' | 'refused' | 'other'; readonly rttMs: number }
  | { readonly kind: 'silence' }
  | { readonly kind: 'local'; readonly shortage: boolean }
