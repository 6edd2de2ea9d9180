import type { Clock } from '../base/clock.ts'
import type { KeySchedule } from './aead.ts'
import type { JoinRefusal, LeaveReason, MessageRefusal } from './reasons.ts'

/** What a member needs of its surroundings, so that tests can replace all of it. */
export interface MemberDeps {
  readonly clock: Clock
  /** Bytes that nobody can guess. */
  readonly random: (size: number) => Buffer
  /** To the relay. Must not throw. */
  readonly send: (datagram: Buffer) => void
  /**
   * Nothing is heard over this path: takes another socket, and looks the relay's name up again. Calls back once, when one can send. Undefined:
   * there is only this one.
   */
  readonly renewPath?: (ready: () => void) => void
  /** Gets what happens, in the log's sequence. */
  readonly show: (event: MemberEvent) => void
  /**
   * Derives the room key from the phrase and the relay's salt, and calls `done` now or later. Undefined: no phrase was given, and only
   * rooms without a key are joined.
   */
  readonly deriveKeys: ((salt: Buffer, done: (keySchedule: KeySchedule) => void) => void) | undefined
}

export interface MemberOptions {
  readonly name: string
  /** Empty: any room. */
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
      /** After the connection was lost; `missed` tells how many records were. */
      readonly again: boolean
    }
  | {
      readonly type: 'said'
      readonly sequence: number
      readonly at: number
      readonly name: string
      readonly text: string
      readonly action: boolean
      readonly own: boolean
      /** From before this member came. */
      readonly past: boolean
    }
  | {
      readonly type: 'joined'
      readonly sequence: number
      readonly at: number
      readonly name: string
      readonly own: boolean
    }
  | {
      readonly type: 'left'
      readonly sequence: number
      readonly at: number
      readonly name: string
      readonly reason: LeaveReason
    }
  | { readonly type: 'notice'; readonly sequence: number; readonly at: number; readonly text: string }
  /** Records that the relay no longer had when they were asked for again. */
  | { readonly type: 'missed'; readonly count: number }
  /** Sent several times and not acknowledged: it may or may not have arrived. */
  | { readonly type: 'unconfirmed'; readonly text: string }
  | { readonly type: 'message-refused'; readonly text: string | undefined; readonly reason: MessageRefusal }
  | { readonly type: 'names'; readonly names: readonly string[] }
  | { readonly type: 'names-unknown' }
  /** Nothing was heard for too long; the member tries to join again. */
  | { readonly type: 'lost' }
  /** All that this member said is in the log, or was given up. */
  | { readonly type: 'settled' }
  | { readonly type: 'ended'; readonly end: MemberEnd }

/** Why a member is not, or no longer, in the room. */
export type MemberEnd =
  | { readonly type: 'bye'; readonly reason: LeaveReason }
  | { readonly type: 'no-answer' }
  | { readonly type: 'refused'; readonly reason: JoinRefusal; readonly room: string }
  | { readonly type: 'version'; readonly version: number }

/** What a member has measured since it joined. */
export interface MemberStats {
  /** Datagrams from the relay, each counted once. */
  readonly received: number
  readonly lost: number
  readonly duplicates: number
  readonly reordered: number
  /** Fragments of own messages that were sent more than once. */
  readonly retransmitted: number
  /** Undefined until something was acknowledged. */
  readonly roundTripMs: number | undefined
  readonly variationMs: number
}
