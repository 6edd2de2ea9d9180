import type { Peer } from '../base/events.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { FieldReader, MalformedDatagram } from './fields.ts'
import { encodeReset, saltBytes } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { DatagramType, datagramType, openPacket, packetNumberOf, sessionOf } from './packet.ts'
import { RelayHandshake } from './relay-handshake.ts'
import type { RelayMember } from './relay-members.ts'
import { type RelayDeps, type RelayOptions, RelayRoom } from './relay-room.ts'
import { decodeData, decodeRecordAck, type Gap, type Progress } from './session-messages.ts'
import { StrangerGate } from './stranger-gate.ts'

/**
 * The relay of a room over UDP: datagrams and time in, datagrams out. Knows no socket. A malformed datagram is dropped and changes
 * nothing; docs/chat-udp.md says what each type means.
 */
export class Relay {
  readonly #deps: RelayDeps
  readonly #handshake: RelayHandshake
  readonly #room: RelayRoom
  readonly #gate: StrangerGate

  constructor(options: RelayOptions, deps: RelayDeps) {
    if (options.salt.length !== saltBytes) throw new RangeError('a salt has 16 bytes')
    this.#deps = deps
    this.#room = new RelayRoom(options, deps)
    const { refusalsPerSecond: perSecond, pendingStrangers } = datagramLimits
    this.#gate = new StrangerGate(deps.clock, deps.maxPendingStrangers ?? pendingStrangers)
    const logged = new TokenBucket(perSecond, 2 * perSecond, deps.clock.monotonic())
    this.#handshake = new RelayHandshake({
      ...options,
      ...deps,
      sendToStranger: (datagram, peer) => this.#sendToStranger(datagram, peer),
      onProof: (peer) => this.#gate.proved(peer),
      memberCount: () => this.#room.members.size,
      admit: (join, peer) => this.#room.admit(join, peer),
      onRefused(peer, reason) {
        if (logged.tryTake(deps.clock.monotonic())) deps.emit({ type: 'member-refused', peer, reason })
      },
    })
  }

  get memberCount(): number {
    return this.#room.members.size
  }

  get members(): readonly { readonly id: number; readonly name: string; readonly peer: Peer }[] {
    return this.#room.members.all
  }

  /** The bytes may change after this returns. */
  receive(datagram: Buffer, peer: Peer): void {
    if (datagram.length > datagramLimits.bytes) return
    try {
      this.#dispatch(datagram, peer)
    } catch (error) {
      if (!(error instanceof MalformedDatagram)) throw error
    }
  }

  /** A message of the operator to everybody. What is beyond one fragment is cut off. */
  notice(text: string): void {
    this.#room.notice(text)
  }

  /** False when nobody has that name. */
  kick(name: string): boolean {
    const member = this.#room.members.named(name)
    if (member !== undefined) this.#room.remove(member, 'kicked')
    return member !== undefined
  }

  /** Sends everybody a bye; afterwards nobody can join. */
  close(): void {
    this.#room.close()
  }

  #dispatch(datagram: Buffer, peer: Peer): void {
    const type = datagramType(datagram)
    switch (type) {
      case 'version':
        this.#handshake.otherVersion(datagram, peer)
        break
      case DatagramType.hello:
        this.#handshake.hello(datagram, peer)
        break
      case DatagramType.discover:
        this.#handshake.discover(datagram, peer)
        break
      case DatagramType.join:
        this.#handshake.join(datagram, peer, (session) => this.#room.members.withSession(session) !== undefined)
        break
      case DatagramType.data:
      case DatagramType.recordAck:
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
      // Gone, or at another address, as after a NAT rebinding: it has to join again, which validates the new address.
      this.#sendToStranger(encodeReset(session), peer)
      return
    }
    const nowMs = this.#deps.clock.monotonic()
    if (!member.bucket.tryTake(nowMs) || !member.window.isFresh(packetNumberOf(datagram))) return
    const body = openPacket(type, datagram, member.aeadFrom)
    if (body === undefined || !member.window.accept(packetNumberOf(datagram))) return
    member.heardMs = nowMs
    // The same address, and perhaps another socket of ours that it speaks to.
    member.peer = peer
    if (type === DatagramType.leave) this.#room.remove(member, 'left')
    else if (type === DatagramType.who) this.#room.sendNames(member, new FieldReader(body).number(4))
    else if (type === DatagramType.data) this.#receiveData(member, body, nowMs)
    else this.#receiveAck(member, body, nowMs)
  }

  /** Members come first: nobody else is answered while anything waits, nor faster than `StrangerGate` allows. */
  #sendToStranger(datagram: Buffer, peer: Peer): void {
    if (this.#deps.idle?.(peer) !== false && this.#gate.admits(peer)) this.#deps.send(datagram, peer)
  }

  #receiveData(member: RelayMember, body: Buffer, nowMs: number): void {
    const data = decodeData(body)
    this.#progress(member, data, nowMs)
    // What the author has given up moves the window; only then are new fragments held against it.
    this.#room.acceptFrom(member, nowMs)
    for (const fragment of data.fragments) member.receiver.add(fragment)
    this.#room.acceptFrom(member, nowMs)
    this.#room.scheduleDataAck(member)
  }

  #receiveAck(member: RelayMember, body: Buffer, nowMs: number): void {
    const ack = decodeRecordAck(body)
    this.#progress(member, ack, nowMs)
    this.#room.acceptFrom(member, nowMs)
    if (ack.timestamp !== 0) this.#room.scheduleDataAck(member, ack.timestamp)
    this.#retransmit(member, ack.gaps)
  }

  #progress(member: RelayMember, progress: Progress, nowMs: number): void {
    member.receiver.giveUpBefore(progress.lowestFragment)
    this.#room.recordsAcknowledged(member, progress.received, nowMs)
  }

  #retransmit(member: RelayMember, gaps: readonly Gap[]): void {
    let left: number = datagramLimits.retransmitsPerAck
    for (const gap of gaps) {
      let from = Math.max(gap.from, member.firstSequence)
      while (left > 0 && from < gap.from + gap.count && from <= this.#room.sent) {
        from = this.#room.retransmit(member, from, gap.from + gap.count - 1)
        left -= 1
      }
    }
  }
}

/** What members send. */
type MemberDatagram =
  | typeof DatagramType.data
  | typeof DatagramType.recordAck
  | typeof DatagramType.who
  | typeof DatagramType.leave
