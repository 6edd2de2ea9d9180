import type { Clock } from '../base/clock.ts'
import type { EventSink, Peer } from '../base/events.ts'
import type { MakeSeal } from './cipher.ts'

export interface RelayOptions {
  readonly room: string
  readonly maxMembers: number
  /** Of these, from one address that is not this machine's own. */
  readonly maxMembersPerAddress: number
  readonly partsPerSecond: number
  readonly datagramsPerSecond: number
  /** 16 random bytes that name this start of the relay and salt the room key. */
  readonly salt: Buffer
  /** From the room key; undefined: the room has none. */
  readonly makeSeal: MakeSeal | undefined
  /** The port that people join at. */
  readonly port: () => number
}

/** What the relay needs of the world. `send` must not throw; what it drops is sent again when it is missed. */
export interface RelayPorts {
  readonly clock: Clock
  /** Bytes that nobody can guess. */
  readonly random: (size: number) => Buffer
  readonly send: (datagram: Buffer, peer: Peer) => void
  readonly emit: EventSink
}
