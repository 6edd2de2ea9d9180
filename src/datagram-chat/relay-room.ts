import type { Clock, Timer } from '../base/clock.ts'
import type { EventSink, Peer } from '../base/events.ts'
import { isLoopback } from '../net/address.ts'
import { type MakeSeal, noSeals } from './aead.ts'
import { Broadcast } from './broadcast.ts'
import { PartInbox } from './fragment-receiver.ts'
import type { Join, Welcome } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import type { Entry } from './log-record.ts'
import { memberName } from './names.ts'
import { DatagramType, sessionBytes } from './packet.ts'
import { type JoinRefusal, type LeaveReason, leaveReasonNumber } from './reasons.ts'
import { RelayMember, RelayMembers } from './relay-members.ts'
import { RoomLog } from './room-log.ts'
import { encodeAck, encodeNames, maxBodyBytes } from './session-messages.ts'
import { TokenBucket } from './token-bucket.ts'

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

/** The room itself: who is in it, what happened in which order, and what still has to be told to whom. */
export class RelayRoom {
  readonly members = new RelayMembers()
  readonly #options: RelayOptions
  readonly #ports: RelayPorts
  readonly #log = new RoomLog()
  readonly #broadcast: Broadcast
  readonly #ticks: RelayTicks
  readonly #unacknowledged = new Set<RelayMember>()
  #lastId = 0
  #closed = false

  constructor(options: RelayOptions, ports: RelayPorts) {
    this.#options = options
    this.#ports = ports
    const transmit = (member: RelayMember, datagram: Buffer) => ports.send(datagram, member.peer)
    const seal = (options.makeSeal ?? noSeals)('to all')
    this.#broadcast = new Broadcast({ clock: ports.clock, log: this.#log, members: this.members, seal, transmit })
    this.#ticks = new RelayTicks(ports.clock, { flush: () => this.#flush(), care: () => this.#care() })
  }

  /** Everything up to here in the order has gone out once. */
  get sent(): number {
    return this.#broadcast.sent
  }

  admit(join: Join, peer: Peer): Welcome | JoinRefusal {
    const { room, maxMembers, maxMembersPerAddress } = this.#options
    if (this.#closed) return 'stopping'
    if (join.room !== '' && join.room !== room) return 'wrong-room'
    const name = memberName(join.name)
    if (name === undefined) return 'name-invalid'
    const namesake = this.members.named(name)
    if (namesake?.session.equals(join.previous)) return this.#move(namesake, peer)
    if (namesake !== undefined) return 'name-taken'
    if (this.members.size >= maxMembers) return 'room-full'
    if (!isLoopback(peer.address) && this.members.countAt(peer.address) >= maxMembersPerAddress) return 'address-full'
    return this.#welcome(this.#newMember(name, peer))
  }

  remove(member: RelayMember, reason: LeaveReason): void {
    this.members.remove(member)
    this.#unacknowledged.delete(member)
    const bye = Buffer.from([leaveReasonNumber(reason)])
    this.#ports.send(member.envelope(DatagramType.bye, bye), member.peer)
    const { id, name, peer } = member
    this.#append([{ kind: 'left', member: id, at: this.#ports.clock.now(), name, reason }])
    this.#ports.emit({ type: 'member-left', id, peer, name, reason })
  }

  notice(text: string): void {
    const bytes = Buffer.from(text).subarray(0, datagramLimits.partBytes)
    // Decoding as a stream leaves a character out that the cut went through.
    const whole = Buffer.from(new TextDecoder().decode(bytes, { stream: true }))
    this.#append([{ kind: 'notice', at: this.#ports.clock.now(), bytes: whole }])
  }

  /** Puts what a member has said before the room, as far as its rate allows. */
  takeFrom(member: RelayMember, nowMs: number): void {
    for (const message of member.inbox.take(nowMs)) {
      const at = this.#ports.clock.now()
      const common = { kind: 'part', member: member.id, at, name: member.name } as const
      this.#append(message.parts.map((part) => ({ ...common, ...part })))
    }
    if (member.inbox.ready) this.#ticks.careSoon()
  }

  progressed(member: RelayMember, seen: number, nowMs: number): void {
    member.sawUpTo(seen, this.#broadcast.sent, nowMs)
  }

  /** An acknowledgement goes out with the next tick, once for all that came until then. */
  acknowledge(member: RelayMember, stamp = 0): void {
    if (stamp !== 0) member.stamp = stamp
    this.#unacknowledged.add(member)
    this.#ticks.flushSoon()
  }

  /** Sends one datagram of entries again; returns the order that comes after them. */
  resend(member: RelayMember, from: number, to: number): number {
    const piece = this.#log.piece(from, Math.min(to, this.#broadcast.sent), member.joinedOrder)
    this.#ports.send(member.envelope(DatagramType.resend, piece.body), member.peer)
    return piece.next
  }

  tellNames(member: RelayMember, after: number): void {
    const names: string[] = []
    let bytes = 10
    let last = after
    let next = 0
    for (const { id, name } of this.members.all) {
      if (id <= after) continue
      bytes += 1 + Buffer.byteLength(name)
      if (bytes > maxBodyBytes) {
        next = last
        break
      }
      names.push(name)
      last = id
    }
    const page = { after, total: this.members.size, next, names }
    this.#ports.send(member.envelope(DatagramType.names, encodeNames(page)), member.peer)
  }

  close(): void {
    this.#closed = true
    for (const member of this.members.all) this.remove(member, 'stopping')
    this.#ticks.stop()
  }

  #newMember(name: string, peer: Peer): RelayMember {
    const { makeSeal = noSeals, partsPerSecond, datagramsPerSecond } = this.#options
    const { clock, random, emit } = this.#ports
    const nowMs = clock.monotonic()
    const session = random(sessionBytes)
    this.#lastId += 1
    const id = this.#lastId
    const firstOrder = this.#log.historyStart
    this.#append([{ kind: 'joined', member: id, at: clock.now(), name }])
    const burst = Math.max(datagramLimits.partsBurst, partsPerSecond)
    const member = new RelayMember(
      {
        ...{ id, name, session, peer, firstOrder, joinedOrder: this.#log.head },
        inbox: new PartInbox(new TokenBucket(partsPerSecond, burst, nowMs)),
        bucket: new TokenBucket(datagramsPerSecond, 2 * datagramsPerSecond, nowMs),
        sealTo: makeSeal('to member', session),
        sealFrom: makeSeal('to relay', session),
      },
      nowMs,
    )
    this.members.add(member)
    this.#ticks.careSoon()
    emit({ type: 'member-joined', id, peer, name, room: this.#options.room })
    return member
  }

  #move(member: RelayMember, peer: Peer): Welcome {
    this.members.move(member, peer)
    member.heardMs = this.#ports.clock.monotonic()
    this.#ports.emit({ type: 'member-moved', id: member.id, peer, name: member.name })
    return this.#welcome(member)
  }

  #welcome(member: RelayMember): Welcome {
    const { session, id, joinedOrder, firstOrder, name } = member
    const { room } = this.#options
    return { session, member: id, joinedOrder, firstOrder, memberCount: this.members.size, name, room }
  }

  #append(entries: readonly Entry[]): void {
    this.#log.append(entries)
    this.#ticks.flushSoon()
    this.#ticks.careSoon()
  }

  #flush(): void {
    for (const member of this.#unacknowledged) {
      const { taken, held, refusals } = member.inbox
      const ack = { taken, held, head: this.#log.head, stamp: member.stamp, refusals }
      member.stamp = 0
      this.#ports.send(member.envelope(DatagramType.ack, encodeAck(ack)), member.peer)
    }
    this.#unacknowledged.clear()
    this.#broadcast.flush()
  }

  /** Looks after everybody; true when there is something to come back to soon. */
  #care(): 'soon' | 'later' | 'never' {
    const nowMs = this.#ports.clock.monotonic()
    let busy = false
    for (const member of this.members.all) {
      if (nowMs - member.heardMs > datagramLimits.silenceMs) {
        this.remove(member, 'silent')
        continue
      }
      if (member.inbox.ready) {
        this.takeFrom(member, nowMs)
        this.acknowledge(member)
      }
      if (member.resendDue(nowMs)) this.resend(member, member.wants, this.#broadcast.sent)
      busy ||= member.behind || member.inbox.ready
    }
    if (this.members.size === 0) return 'never'
    return busy ? 'soon' : 'later'
  }
}

interface Chores {
  readonly flush: () => void
  readonly care: () => 'soon' | 'later' | 'never'
}

/** Looking after members who lack something; far below any resend timeout, so it adds little to one. */
const soonMs = 50
/** Looking for members who have gone silent. */
const laterMs = 1000

/** When the relay does things: what is new goes out a tick later, members are looked after while there are any. */
export class RelayTicks {
  readonly #clock: Clock
  readonly #chores: Chores
  #flush: Timer | undefined
  #care: Timer | undefined
  #careIsSoon = false
  #stopped = false

  constructor(clock: Clock, chores: Chores) {
    this.#clock = clock
    this.#chores = chores
  }

  flushSoon(): void {
    if (this.#stopped || this.#flush !== undefined) return
    this.#flush = this.#clock.after(datagramLimits.tickMs, () => {
      this.#flush = undefined
      this.#chores.flush()
    })
  }

  careSoon(): void {
    if (!this.#careIsSoon) this.#careIn('soon')
  }

  stop(): void {
    this.#stopped = true
    this.#flush?.cancel()
    this.#care?.cancel()
  }

  #careIn(when: 'soon' | 'later'): void {
    if (this.#stopped) return
    this.#care?.cancel()
    this.#careIsSoon = when === 'soon'
    this.#care = this.#clock.after(when === 'soon' ? soonMs : laterMs, () => {
      this.#careIsSoon = false
      this.#care = undefined
      const next = this.#chores.care()
      // Caring may itself have asked to come back soon.
      if (next !== 'never' && !this.#careIsSoon) this.#careIn(next)
    })
  }
}
