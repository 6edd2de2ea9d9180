import type { Clock } from '../base/clock.ts'
import type { Seal } from './aead.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, sealBody } from './packet.ts'
import type { RelayMember, RelayMembers } from './relay-members.ts'
import type { RoomLog } from './room-log.ts'

export interface BroadcastOptions {
  readonly clock: Clock
  readonly log: RoomLog
  readonly members: RelayMembers
  readonly seal: Seal
  readonly transmit: (member: RelayMember, datagram: Buffer) => void
}

/**
 * Sends what is new in the room to everybody: packed and sealed once, then the same bytes after each member's own prefix. Goes in slices,
 * so that a big room does not hold up the event loop; what happens meanwhile waits in the log, not in a queue.
 */
export class Broadcast {
  readonly #options: BroadcastOptions
  #sent = 0
  #number = 0
  #running = false

  constructor(options: BroadcastOptions) {
    this.#options = options
  }

  /** Everything up to here has gone out once. */
  get sent(): number {
    return this.#sent
  }

  flush(): void {
    if (this.#running || this.#sent === this.#options.log.head) return
    this.#running = true
    const { log, members } = this.#options
    const end = log.head
    const pieces: Buffer[] = []
    let next = this.#sent + 1
    while (next <= end && pieces.length < datagramLimits.slice) {
      const piece = log.piece(next, end, 0)
      this.#number += 1
      pieces.push(sealBody(DatagramType.room, this.#number, piece.body, this.#options.seal))
      next = piece.next
    }
    this.#sent = next - 1
    this.#slice(pieces, members.all, 0)
  }

  #slice(pieces: readonly Buffer[], members: readonly RelayMember[], from: number): void {
    const { clock, transmit } = this.#options
    const end = Math.min(members.length, from + Math.max(1, Math.floor(datagramLimits.slice / pieces.length)))
    const nowMs = clock.monotonic()
    for (const member of members.slice(from, end)) {
      for (const piece of pieces) transmit(member, Buffer.concat([member.roomPrefix, piece]))
      member.sentUpTo(this.#sent, nowMs)
    }
    if (end < members.length) {
      clock.after(0, () => this.#slice(pieces, members, end))
      return
    }
    this.#running = false
    this.flush()
  }
}
