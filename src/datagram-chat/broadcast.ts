import type { Clock } from '../base/clock.ts'
import type { Aead } from './aead.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, sealPacket } from './packet.ts'
import type { RelayMember, RelayMembers } from './relay-members.ts'
import type { RoomLog } from './room-log.ts'

export interface BroadcastOptions {
  readonly clock: Clock
  readonly log: RoomLog
  readonly members: RelayMembers
  readonly aead: Aead
  readonly transmit: (member: RelayMember, datagram: Buffer) => void
}

/**
 * Sends new records to everybody: encoded and sealed once, then the same bytes after each member's own header. It works in slices, so
 * that a big room does not hold up the event loop; what happens meanwhile waits in the log, not in a queue.
 */
export class Broadcast {
  readonly #options: BroadcastOptions
  #sent = 0
  #number = 0
  #running = false

  constructor(options: BroadcastOptions) {
    this.#options = options
  }

  /** All records up to this sequence number have been sent once. */
  get sent(): number {
    return this.#sent
  }

  flush(): void {
    if (this.#running || this.#sent === this.#options.log.head) return
    this.#running = true
    const { log, members } = this.#options
    const end = log.head
    const pages: Buffer[] = []
    let next = this.#sent + 1
    while (next <= end && pages.length < datagramLimits.slice) {
      const page = log.page(next, end, 0)
      this.#number += 1
      pages.push(sealPacket(DatagramType.broadcast, this.#number, page.body, this.#options.aead))
      next = page.next
    }
    this.#sent = next - 1
    this.#slice(pages, members.all, 0)
  }

  #slice(pages: readonly Buffer[], members: readonly RelayMember[], from: number): void {
    const { clock, transmit } = this.#options
    const end = Math.min(members.length, from + Math.max(1, Math.floor(datagramLimits.slice / pages.length)))
    const nowMs = clock.monotonic()
    for (const member of members.slice(from, end)) {
      for (const page of pages) transmit(member, Buffer.concat([member.broadcastPrefix, page]))
      member.markSent(this.#sent, nowMs)
    }
    if (end < members.length) {
      clock.after(0, () => this.#slice(pages, members, end))
      return
    }
    this.#running = false
    this.flush()
  }
}
