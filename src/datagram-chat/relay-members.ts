import type { Peer } from '../base/events.ts'
import { nameKey } from '../base/name-key.ts'
import type { Seal } from './aead.ts'
import type { PartInbox } from './fragment-receiver.ts'
import { datagramLimits } from './limits.ts'
import { addressed, DatagramType, encodeEnvelope } from './packet.ts'
import { ReceiveWindow } from './receive-window.ts'
import { RoundTrip } from './rtt.ts'
import type { TokenBucket } from './token-bucket.ts'

export interface RelayMemberOptions {
  readonly id: number
  readonly name: string
  readonly session: Buffer
  readonly peer: Peer
  readonly joinedOrder: number
  readonly firstOrder: number
  readonly inbox: PartInbox
  readonly bucket: TokenBucket
  readonly sealTo: Seal
  readonly sealFrom: Seal
}

/** Acknowledgements are put off by up to 100 ms, so a shorter timeout would only send twice. */
const minResendMs = 300

/** What the relay knows about one member. */
export class RelayMember {
  readonly id: number
  readonly name: string
  readonly session: Buffer
  readonly joinedOrder: number
  readonly firstOrder: number
  readonly inbox: PartInbox
  readonly bucket: TokenBucket
  readonly sealFrom: Seal
  readonly window = new ReceiveWindow()
  /** Beginning of every datagram that goes to all, for this member. */
  readonly roomPrefix: Buffer
  peer: Peer
  heardMs: number
  /** Stamp to send back with the next acknowledgement. */
  stamp = 0
  readonly #sealTo: Seal
  readonly #roundTrip = new RoundTrip(minResendMs)
  #number = 0
  #seen: number
  #tries = 1
  #resendAtMs = Number.POSITIVE_INFINITY
  #timed: { readonly order: number; readonly atMs: number } | undefined

  constructor(options: RelayMemberOptions, nowMs: number) {
    this.id = options.id
    this.name = options.name
    this.session = options.session
    this.joinedOrder = options.joinedOrder
    this.firstOrder = options.firstOrder
    this.inbox = options.inbox
    this.bucket = options.bucket
    this.peer = options.peer
    this.sealFrom = options.sealFrom
    this.#sealTo = options.sealTo
    this.roomPrefix = addressed(DatagramType.room, options.session)
    this.heardMs = nowMs
    this.#seen = options.firstOrder - 1
  }

  /** The next order that this member has not acknowledged. */
  get wants(): number {
    return this.#seen + 1
  }

  /** A datagram for this member alone; each has its own number. */
  envelope(type: DatagramType, body: Buffer): Buffer {
    this.#number += 1
    return encodeEnvelope(type, this.session, this.#number, body, this.#sealTo)
  }

  /** Everything up to `order` has just been sent. */
  sentUpTo(order: number, nowMs: number): void {
    if (this.#resendAtMs !== Number.POSITIVE_INFINITY) return
    this.#tries = 1
    this.#resendAtMs = nowMs + this.#roundTrip.timeoutMs()
    this.#timed = { order, atMs: nowMs }
  }

  /** The member says that it has everything up to `seen`, of the `sent` that went out. */
  sawUpTo(seen: number, sent: number, nowMs: number): void {
    if (seen <= this.#seen || seen > sent) return
    this.#seen = seen
    if (this.#timed !== undefined && seen >= this.#timed.order) {
      this.#roundTrip.sample(nowMs - this.#timed.atMs)
      this.#timed = undefined
    }
    this.#tries = 1
    this.#resendAtMs = seen === sent ? Number.POSITIVE_INFINITY : nowMs + this.#roundTrip.timeoutMs()
  }

  /** Whether it is time to send again what has not been acknowledged; then the next time is further off (RFC 6298 5.5). */
  resendDue(nowMs: number): boolean {
    if (nowMs < this.#resendAtMs) return false
    this.#timed = undefined
    this.#tries = Math.min(this.#tries + 1, datagramLimits.tries)
    this.#resendAtMs = nowMs + this.#roundTrip.timeoutMs(this.#tries)
    return true
  }

  get behind(): boolean {
    return this.#resendAtMs !== Number.POSITIVE_INFINITY
  }
}

/** Who is in the room, found by session and by name. */
export class RelayMembers {
  readonly #bySession = new Map<string, RelayMember>()
  readonly #byName = new Map<string, RelayMember>()
  readonly #perAddress = new Map<string, number>()
  #ordered: readonly RelayMember[] | undefined

  /** How many are at this address. */
  countAt(address: string): number {
    return this.#perAddress.get(address) ?? 0
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

  add(member: RelayMember): void {
    this.#bySession.set(member.session.toString('latin1'), member)
    this.#byName.set(nameKey(member.name), member)
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
    this.#count(member, -1)
    this.#ordered = undefined
  }

  #count({ peer: { address } }: RelayMember, change: number): void {
    const count = this.countAt(address) + change
    if (count === 0) this.#perAddress.delete(address)
    else this.#perAddress.set(address, count)
  }

  /** In order of their ids. The same array until somebody comes or goes. */
  get all(): readonly RelayMember[] {
    this.#ordered ??= [...this.#bySession.values()]
    return this.#ordered
  }
}
