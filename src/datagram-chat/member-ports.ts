import type { Clock } from '../base/clock.ts'
import type { MakeSeal } from './cipher.ts'
import type { MemberEvent } from './member-event.ts'

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
