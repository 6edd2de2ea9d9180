import type { Peer } from '../base/events.ts'
import { ByteReader, MalformedDatagram } from './fields.ts'
import { encodeReset, saltBytes } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, datagramType, numberOf, openEnvelope, sessionOf } from './packet.ts'
import { RelayDoor } from './relay-handshake.ts'
import type { RelayMember } from './relay-members.ts'
import { type RelayOptions, type RelayPorts, RelayRoom } from './relay-room.ts'
import { decodeSay, decodeSeen, type Gap, type Progress } from './session-messages.ts'
import { TokenBucket } from './token-bucket.ts'

/** Datagrams sent again for one request; a member that lacks more asks again. */
const resendsPerRequest = 8

/**
 * The relay of a room over UDP: datagrams and time in, datagrams out. Knows no socket. A datagram that makes no sense costs nobody
 * anything; docs/chat-udp.md says what each of them means.
 */
export class Relay {
  readonly #ports: RelayPorts
  readonly #door: RelayDoor
  readonly #room: RelayRoom

  constructor(options: RelayOptions, ports: RelayPorts) {
    if (options.salt.length !== saltBytes) throw new RangeError('a salt has 16 bytes')
    this.#ports = ports
    this.#room = new RelayRoom(options, ports)
    const { refusalsPerSecond: perSecond } = datagramLimits
    const told = new TokenBucket(perSecond, 2 * perSecond, ports.clock.monotonic())
    this.#door = new RelayDoor({
      ...options,
      ...ports,
      memberCount: () => this.#room.members.size,
      admit: (join, peer) => this.#room.admit(join, peer),
      onRefused(peer, reason) {
        if (told.take(ports.clock.monotonic())) ports.emit({ type: 'member-refused', peer, reason })
      },
    })
  }

  get memberCount(): number {
    return this.#room.members.size
  }

  get members(): readonly { readonly id: number; readonly name: string; readonly peer: Peer }[] {
    return this.#room.members.all
  }

  /** The datagram is read here and now; nothing of it is kept by reference. */
  receive(datagram: Buffer, peer: Peer): void {
    if (datagram.length > datagramLimits.bytes) return
    try {
      this.#dispatch(datagram, peer)
    } catch (error) {
      if (!(error instanceof MalformedDatagram)) throw error
    }
  }

  /** Says something to everybody, as the operator. At most 1,024 bytes of UTF-8; more is cut off. */
  notice(text: string): void {
    this.#room.notice(text)
  }

  /** False when nobody has that name. */
  kick(name: string): boolean {
    const member = this.#room.members.named(name)
    if (member !== undefined) this.#room.remove(member, 'kicked')
    return member !== undefined
  }

  /** Tells everybody goodbye; afterwards nothing is let in. */
  close(): void {
    this.#room.close()
  }

  #dispatch(datagram: Buffer, peer: Peer): void {
    const type = datagramType(datagram)
    switch (type) {
      case 'version':
        this.#door.foreignVersion(datagram, peer)
        break
      case DatagramType.hello:
        this.#door.hello(datagram, peer)
        break
      case DatagramType.find:
        this.#door.find(datagram, peer)
        break
      case DatagramType.join:
        this.#door.join(datagram, peer, (session) => this.#room.members.withSession(session) !== undefined)
        break
      case DatagramType.say:
      case DatagramType.seen:
      case DatagramType.who:
      case DatagramType.leave:
        this.#fromMember(type, datagram, peer)
    }
  }

  #fromMember(type: MemberDatagram, datagram: Buffer, peer: Peer): void {
    const session = sessionOf(datagram)
    if (session === undefined) return
    const member = this.#room.members.withSession(session)
    if (member === undefined || member.peer.port !== peer.port || member.peer.address !== peer.address) {
      // Gone, or at another address since its router forgot it: it has to join again, and proves its new address by that.
      this.#ports.send(encodeReset(session), peer)
      return
    }
    const nowMs = this.#ports.clock.monotonic()
    if (!member.bucket.take(nowMs) || !member.window.isFresh(numberOf(datagram))) return
    const body = openEnvelope(type, datagram, member.sealFrom)
    if (body === undefined || !member.window.accept(numberOf(datagram))) return
    member.heardMs = nowMs
    if (type === DatagramType.leave) this.#room.remove(member, 'left')
    else if (type === DatagramType.who) this.#room.tellNames(member, new ByteReader(body).number(4))
    else if (type === DatagramType.say) this.#say(member, body, nowMs)
    else this.#seen(member, body, nowMs)
  }

  #say(member: RelayMember, body: Buffer, nowMs: number): void {
    const say = decodeSay(body)
    this.#progress(member, say, nowMs)
    // What the author has given up moves the window before new parts are measured against it.
    this.#room.takeFrom(member, nowMs)
    for (const part of say.parts) member.inbox.add(part)
    this.#room.takeFrom(member, nowMs)
    this.#room.acknowledge(member)
  }

  #seen(member: RelayMember, body: Buffer, nowMs: number): void {
    const seen = decodeSeen(body)
    this.#progress(member, seen, nowMs)
    this.#room.takeFrom(member, nowMs)
    if (seen.stamp !== 0) this.#room.acknowledge(member, seen.stamp)
    this.#resend(member, seen.gaps)
  }

  #progress(member: RelayMember, progress: Progress, nowMs: number): void {
    member.inbox.giveUpBefore(progress.lowestPart)
    this.#room.progressed(member, progress.seen, nowMs)
  }

  #resend(member: RelayMember, gaps: readonly Gap[]): void {
    let left = resendsPerRequest
    for (const gap of gaps) {
      let from = Math.max(gap.from, member.firstOrder)
      while (left > 0 && from < gap.from + gap.count && from <= this.#room.sent) {
        from = this.#room.resend(member, from, gap.from + gap.count - 1)
        left -= 1
      }
    }
  }
}

type MemberDatagram =
  | typeof DatagramType.say
  | typeof DatagramType.seen
  | typeof DatagramType.who
  | typeof DatagramType.leave
