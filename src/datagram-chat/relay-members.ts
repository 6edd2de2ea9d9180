import type { Peer } from '../base/events.ts'
import type { TokenBucket } from '../base/token-bucket.ts'
import { sourceKey } from '../net/ip.ts'
import { LookAlikes } from '../text/look-alikes.ts'
import { nameKey } from '../text/names.ts'
import type { Aead } from './aead.ts'
import type { FragmentReceiver } from './fragment-receiver.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, encodePacket, packetPrefix } from './packet.ts'
import { ReceiveWindow } from './receive-window.ts'
import { RetransmissionTimeout } from './retransmission.ts'

export interface RelayMemberOptions {
  readonly id: number
  readonly name: string
  readonly session: Buffer
  readonly peer: Peer
  readonly joinedSequence: number
  readonly firstSequence: number
  readonly receiver: FragmentReceiver
  readonly bucket: TokenBucket
  readonly aeadTo: Aead
  readonly aeadFrom: Aead
}

/** What the relay keeps of one member: its session, and how far it has acknowledged the log. */
export class RelayMember {
  readonly id: number
  readonly name: string
  readonly session: Buffer
  readonly joinedSequence: number
  readonly firstSequence: number
  readonly receiver: FragmentReceiver
  readonly bucket: TokenBucket
  readonly aeadFrom: Aead
  readonly window = new ReceiveWindow()
  /** This member's header of every packet that goes to all. */
  readonly broadcastPrefix: Buffer
  peer: Peer
  heardMs: number
  /** To be echoed in the next acknowledgement. */
  timestamp = 0
  readonly #aeadTo: Aead
  readonly #timeout = new RetransmissionTimeout(datagramLimits.minRecordTimeoutMs)
  #number = 0
  #acknowledged: number
  #attempts = 1
  #retransmitAtMs = Number.POSITIVE_INFINITY
  #timed: { readonly sequence: number; readonly atMs: number } | undefined

  constructor(options: RelayMemberOptions, nowMs: number) {
    this.id = options.id
    this.name = options.name
    this.session = options.session
    this.joinedSequence = options.joinedSequence
    this.firstSequence = options.firstSequence
    this.receiver = options.receiver
    this.bucket = options.bucket
    this.peer = options.peer
    this.aeadFrom = options.aeadFrom
    this.#aeadTo = options.aeadTo
    this.broadcastPrefix = packetPrefix(DatagramType.broadcast, options.session)
    this.heardMs = nowMs
    this.#acknowledged = options.firstSequence - 1
  }

  /** The first sequence number that this member has not acknowledged. */
  get nextUnacknowledged(): number {
    return this.#acknowledged + 1
  }

  /** A packet to this member alone; each has its own number. */
  packet(type: DatagramType, body: Buffer): Buffer {
    this.#number += 1
    return encodePacket(type, this.session, this.#number, body, this.#aeadTo)
  }

  /** All records up to `sequence` have just been sent. */
  markSent(sequence: number, nowMs: number): void {
    if (this.#retransmitAtMs !== Number.POSITIVE_INFINITY) return
    this.#attempts = 1
    this.#retransmitAtMs = nowMs + this.#timeout.afterMs()
    this.#timed = { sequence, atMs: nowMs }
  }

  /** The member has all records up to `received`, of the `sent` that went out. */
  acknowledge(received: number, sent: number, nowMs: number): void {
    if (received <= this.#acknowledged || received > sent) return
    this.#acknowledged = received
    if (this.#timed !== undefined && received >= this.#timed.sequence) {
      this.#timeout.sample(nowMs - this.#timed.atMs)
      this.#timed = undefined
    }
    this.#attempts = 1
    this.#retransmitAtMs = received === sent ? Number.POSITIVE_INFINITY : nowMs + this.#timeout.afterMs()
  }

  /** Whether it is time to send again what has not been acknowledged; then the next time is further off (RFC 6298 5.5). */
  retransmissionDue(nowMs: number): boolean {
    if (nowMs < this.#retransmitAtMs) return false
    this.#timed = undefined
    this.#attempts = Math.min(this.#attempts + 1, datagramLimits.attempts)
    this.#retransmitAtMs = nowMs + this.#timeout.afterMs(this.#attempts)
    return true
  }

  /** Nothing was acknowledged in spite of repetitions: it may be gone, and what is sent there would wait for its address. */
  get stalled(): boolean {
    return this.#attempts >= datagramLimits.stalledAttempts
  }

  /** Whether something that was sent is not acknowledged. */
  get inFlight(): boolean {
    return this.#retransmitAtMs !== Number.POSITIVE_INFINITY
  }
}

/** Who is in the room, found by session and by name. */
export class RelayMembers {
  readonly #bySession = new Map<string, RelayMember>()
  readonly #byName = new Map<string, RelayMember>()
  readonly #looks = new LookAlikes()
  readonly #perSource = new Map<string, number>()
  #ordered: readonly RelayMember[] | undefined

  /** How many are at the source that this address belongs to. */
  countAt(address: string): number {
    return this.#perSource.get(sourceKey(address)) ?? 0
  }

  get size(): number {
    return this.#bySession.size
  }

  withSession(session: Buffer): RelayMember | undefined {
    return this.#bySession.get(session.toString('latin1'))
  }

  named(name: string): RelayMember | undefined {
    return this.#byName.get(nameKey(name))
  }

  /** Whether nobody can have this name now: it is, or looks like, a member's or that of who speaks for the relay. */
  isTaken(name: string): boolean {
    return this.#byName.has(nameKey(name)) || this.#looks.has(name)
  }

  add(member: RelayMember): void {
    this.#bySession.set(member.session.toString('latin1'), member)
    this.#byName.set(nameKey(member.name), member)
    this.#looks.add(member.name)
    this.#count(member, 1)
    this.#ordered = undefined
  }

  /** The member is at another address from now on. */
  move(member: RelayMember, peer: Peer): void {
    this.#count(member, -1)
    member.peer = peer
    this.#count(member, 1)
  }

  remove(member: RelayMember): void {
    this.#bySession.delete(member.session.toString('latin1'))
    this.#byName.delete(nameKey(member.name))
    this.#looks.remove(member.name)
    this.#count(member, -1)
    this.#ordered = undefined
  }

  #count({ peer: { address } }: RelayMember, change: number): void {
    const source = sourceKey(address)
    const count = (this.#perSource.get(source) ?? 0) + change
    if (count === 0) this.#perSource.delete(source)
    else this.#perSource.set(source, count)
  }

  /** In order of their ids. The same array until somebody comes or goes. */
  get all(): readonly RelayMember[] {
    this.#ordered ??= [...this.#bySession.values()].sort((one, other) => one.id - other.id)
    return this.#ordered
  }
}
