import type { Clock } from '../base/clock.ts'
import type { MakeSeal } from './aead.ts'
import type { JoinRefusal, LeaveReason, TextRefusal } from './reasons.ts'

/** What a member needs of the world. */
export interface MemberPorts {
  readonly clock: Clock
  /** Bytes that nobody can guess. */
  readonly random: (size: number) => Buffer
  /** To the relay. Must not throw. */
  readonly send: (datagram: Buffer) => void
  readonly show: (event: MemberEvent) => void
  /**
   * Makes the room key from the phrase and the relay's salt, and calls `done` now or later. Undefined: no phrase was given, and only
   * rooms without a key are entered.
   */
  readonly deriveSeals: ((salt: Buffer, done: (makeSeal: MakeSeal) => void) => void) | undefined
}

export interface MemberOptions {
  readonly name: string
  /** Empty: whichever room the relay has. */
  readonly room: string
}

/** What a member's user is shown. Texts and names are a stranger's: escape them before they reach a terminal. Times are Unix milliseconds. */
export type MemberEvent =
  | {
      readonly type: 'entered'
      readonly room: string
      readonly name: string
      readonly members: number
      readonly keyed: boolean
      /** After the line was lost; `missed` tells when lines were. */
      readonly again: boolean
    }
  | {
      readonly type: 'said'
      readonly order: number
      readonly at: number
      readonly name: string
      readonly text: string
      readonly acted: boolean
      readonly own: boolean
      /** From before this member came. */
      readonly past: boolean
    }
  | {
      readonly type: 'joined'
      readonly order: number
      readonly at: number
      readonly name: string
      readonly own: boolean
    }
  | {
      readonly type: 'left'
      readonly order: number
      readonly at: number
      readonly name: string
      readonly reason: LeaveReason
    }
  | { readonly type: 'notice'; readonly order: number; readonly at: number; readonly text: string }
  /** The relay no longer had them when they were asked for again. */
  | { readonly type: 'missed'; readonly count: number }
  /** Sent five times and not acknowledged: it may or may not have arrived. */
  | { readonly type: 'unconfirmed'; readonly text: string }
  | { readonly type: 'not-taken'; readonly text: string | undefined; readonly reason: TextRefusal }
  | { readonly type: 'names'; readonly names: readonly string[] }
  | { readonly type: 'names-unknown' }
  /** Nothing was heard for too long; it is being tried to enter again. */
  | { readonly type: 'lost' }
  /** All that was said is in the room. */
  | { readonly type: 'settled' }
  | { readonly type: 'ended'; readonly end: MemberEnd }

export type MemberEnd =
  | { readonly type: 'bye'; readonly reason: LeaveReason }
  | { readonly type: 'no-answer' }
  | { readonly type: 'refused'; readonly reason: JoinRefusal; readonly room: string }
  | { readonly type: 'version'; readonly version: number }

/** What a member has seen of its line, since it entered. */
export interface MemberStats {
  /** Datagrams from the relay, each counted once. */
  readonly received: number
  readonly lost: number
  readonly duplicates: number
  readonly reordered: number
  /** Parts of own messages that were sent more than once. */
  readonly sentAgain: number
  /** Undefined until something was acknowledged. */
  readonly roundTripMs: number | undefined
  readonly variationMs: number
}
