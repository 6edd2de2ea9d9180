import type { Clock, Timer } from '../base/clock.ts'
import type { EventSink, Peer } from '../base/events.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { isLoopback } from '../net/address.ts'
import { checkName, nameKey } from '../text/names.ts'
import { type Aead, type KeySchedule, nullKeySchedule } from './aead.ts'
import { FragmentReceiver } from './fragment-receiver.ts'
import type { JoinRequest, WelcomeMessage } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import type { LogRecord } from './log-record.ts'
import { DatagramType, sealPacket, sessionBytes } from './packet.ts'
import { type JoinRefusal, type LeaveReason, leaveReasonNumber } from './reasons.ts'
import { RelayMember, RelayMembers } from './relay-members.ts'
import { RoomLog } from './room-log.ts'
import { encodeDataAck, encodeNames, maxBodyBytes, namesPrefixBytes } from './session-messages.ts'

/** What a relay is told; members and rates are bounds. */
export interface RelayOptions {
  readonly room: string
  readonly maxMembers: number
  /** Of these, from one source (an IPv4 address, an IPv6 /64) that is not this machine. */
  readonly maxMembersPerAddress: number
  readonly fragmentsPerSecond: number
  readonly datagramsPerSecond: number
  /** 16 random bytes that identify this start of the relay and salt the room key. */
  readonly salt: Buffer
  /** From the room key; undefined: the room has none. */
  readonly keySchedule: KeySchedule | undefined
  /** The port that people join at. */
  readonly port: () => number
}

/** What a relay needs of its surroundings. `send` must not throw, and gets the peer that `receive` was given; what it drops is sent again when it is missed. */
export interface RelayDeps {
  readonly clock: Clock
  /** Bytes that nobody can guess. */
  readonly random: (size: number) => Buffer
  readonly send: (datagram: Buffer, peer: Peer) => void
  /** Whether nothing waits to be sent beside what would go to a peer: only then is one answered that is not in the room. Undefined: always. */
  readonly idle?: (peer: Peer) => boolean
  /** Answers at a time to addresses that may not exist. */
  readonly maxPendingStrangers?: number
  readonly emit: EventSink
}

/** The relay's room: its members, its log, and what has to be sent to whom. */
export class RelayRoom {
  readonly members = new RelayMembers()
  /** Who fell silent, by session, and until when each can come back; the next to be forgotten first. */
  readonly #away = new Map<string, { readonly member: RelayMember; readonly untilMs: number }>()
  readonly #options: RelayOptions
  readonly #deps: RelayDeps
  readonly #log = new RoomLog()
  readonly #broadcast: Broadcast
  readonly #schedule: RelaySchedule
  readonly #unacknowledged = new Set<RelayMember>()
  #lastId = 0
  #closed = false

  constructor(options: RelayOptions, deps: RelayDeps) {
    this.#options = options
    this.#deps = deps
    const transmit = (member: RelayMember, datagram: Buffer) => deps.send(datagram, member.peer)
    const aead = (options.keySchedule ?? nullKeySchedule)('to all')
    this.#broadcast = new Broadcast({ clock: deps.clock, log: this.#log, members: this.members, aead, transmit })
    this.#schedule = new RelaySchedule(deps.clock, { flush: () => this.#flush(), maintain: () => this.#maintain() })
  }

  /** All records up to this sequence number have been sent once. */
  get sent(): number {
    return this.#broadcast.sent
  }

  /** A new session, or the one that the join gives as its previous; otherwise why not. */
  admit(join: JoinRequest, peer: Peer): WelcomeMessage | JoinRefusal {
    const { room, maxMembers, maxMembersPerAddress } = this.#options
    if (this.#closed) return 'stopping'
    if (join.room !== '' && join.room !== room) return 'wrong-room'
    const check = checkName(join.name)
    if (check.kind === 'bad') return 'name-invalid'
    const { name } = check
    const namesake = this.members.named(name)
    if (namesake?.session.equals(join.previous)) return this.#move(namesake, peer)
    if (this.members.isTaken(name)) return 'name-taken'
    if (this.members.size >= maxMembers) return 'room-full'
    if (!isLoopback(peer.address) && this.members.countAt(peer.address) >= maxMembersPerAddress) return 'address-full'
    const away = this.#away.get(sessionKey(join.previous))
    const isBack =
      away !== undefined && away.untilMs > this.#deps.clock.monotonic() && nameKey(away.member.name) === nameKey(name)
    return isBack ? this.#comeBack(away.member, peer) : this.#welcome(this.#newMember(name, peer))
  }

  /** Ends a member's session, and tells everybody. */
  remove(member: RelayMember, reason: LeaveReason): void {
    this.members.remove(member)
    this.#unacknowledged.delete(member)
    if (reason === 'silent') this.#keepAway(member)
    const bye = Buffer.from([leaveReasonNumber(reason)])
    this.#deps.send(member.packet(DatagramType.bye, bye), member.peer)
    const { id, name, peer } = member
    this.#append([{ kind: 'left', member: id, at: this.#deps.clock.now(), name, reason }])
    this.#deps.emit({ type: 'member-left', id, peer, name, reason })
  }

  /** A message of the operator; what is beyond one fragment is cut off. */
  notice(text: string): void {
    const bytes = Buffer.from(text).subarray(0, datagramLimits.fragmentBytes)
    // A decoder of a stream holds back a character that is cut in two, so that it is left out.
    const whole = Buffer.from(new TextDecoder().decode(bytes, { stream: true }))
    this.#append([{ kind: 'notice', at: this.#deps.clock.now(), bytes: whole }])
  }

  /** Appends to the log what a member has said, as far as its rate allows. */
  acceptFrom(member: RelayMember, nowMs: number): void {
    for (const message of member.receiver.accept(nowMs)) {
      const common = { kind: 'fragment', member: member.id, at: this.#deps.clock.now(), name: member.name } as const
      this.#append(message.map(({ number, ...fragment }) => ({ ...common, ...fragment, fragmentNumber: number })))
    }
    if (member.receiver.ready) this.#schedule.maintainSoon()
  }

  /** The member has all records up to `received`. One that was thought gone gets the next that it missed at once. */
  recordsAcknowledged(member: RelayMember, received: number, nowMs: number): void {
    const { stalled } = member
    member.acknowledge(received, this.#broadcast.sent, nowMs)
    if (!stalled || member.stalled) return
    let next = member.nextUnacknowledged
    for (let left: number = datagramLimits.retransmitsPerAck; left > 0 && next <= this.#broadcast.sent; left -= 1)
      next = this.retransmit(member, next, this.#broadcast.sent)
  }

  /** A data ack goes out with the next tick, one for all that came until then. `timestamp`: to be echoed. */
  scheduleDataAck(member: RelayMember, timestamp = 0): void {
    if (timestamp !== 0) member.timestamp = timestamp
    this.#unacknowledged.add(member)
    this.#schedule.flushSoon()
  }

  /** Sends one packet of records again; returns the sequence number that follows them. */
  retransmit(member: RelayMember, from: number, to: number): number {
    const page = this.#log.page(from, Math.min(to, this.#broadcast.sent), member.joinedSequence)
    this.#deps.send(member.packet(DatagramType.retransmit, page.body), member.peer)
    return page.next
  }

  /** Sends one page of the members' names. */
  sendNames(member: RelayMember, after: number): void {
    const names: string[] = []
    let bytes = namesPrefixBytes
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
    this.#deps.send(member.packet(DatagramType.names, encodeNames(page)), member.peer)
  }

  /** Ends all sessions; nobody can join any more. */
  close(): void {
    this.#closed = true
    for (const member of this.members.all) this.remove(member, 'stopping')
    this.#schedule.stop()
  }

  #newMember(name: string, peer: Peer): RelayMember {
    const { keySchedule = nullKeySchedule, fragmentsPerSecond, datagramsPerSecond } = this.#options
    const { clock, random, emit } = this.#deps
    const nowMs = clock.monotonic()
    const session = random(sessionBytes)
    this.#lastId += 1
    const id = this.#lastId
    const firstSequence = this.#log.historyStart
    this.#append([{ kind: 'joined', member: id, at: clock.now(), name }])
    const burst = Math.max(datagramLimits.fragmentsBurst, fragmentsPerSecond)
    const member = new RelayMember(
      {
        ...{ id, name, session, peer, firstSequence, joinedSequence: this.#log.head },
        receiver: new FragmentReceiver(new TokenBucket(fragmentsPerSecond, burst, nowMs)),
        bucket: new TokenBucket(datagramsPerSecond, 2 * datagramsPerSecond, nowMs),
        aeadTo: keySchedule('to member', session),
        aeadFrom: keySchedule('to relay', session),
      },
      nowMs,
    )
    this.members.add(member)
    this.#schedule.maintainSoon()
    emit({ type: 'member-joined', id, peer, name, room: this.#options.room })
    return member
  }

  #keepAway(member: RelayMember): void {
    const { awayMembers, awayMs } = datagramLimits
    const nowMs = this.#deps.clock.monotonic()
    this.#away.set(sessionKey(member.session), { member, untilMs: nowMs + awayMs })
    for (const [key, { untilMs }] of this.#away) {
      if (untilMs > nowMs && this.#away.size <= awayMembers) break
      this.#away.delete(key)
    }
  }

  /** Goes on in its session, with all that was said meanwhile: only the others have seen it go, and see it come. */
  #comeBack(member: RelayMember, peer: Peer): WelcomeMessage {
    const { clock, emit } = this.#deps
    this.#away.delete(sessionKey(member.session))
    member.peer = peer
    member.heardMs = clock.monotonic()
    this.members.add(member)
    const { id, name } = member
    this.#append([{ kind: 'joined', member: id, at: clock.now(), name }])
    emit({ type: 'member-joined', id, peer, name, room: this.#options.room })
    return this.#welcome(member)
  }

  #move(member: RelayMember, peer: Peer): WelcomeMessage {
    this.members.move(member, peer)
    member.heardMs = this.#deps.clock.monotonic()
    this.#deps.emit({ type: 'member-moved', id: member.id, peer, name: member.name })
    return this.#welcome(member)
  }

  #welcome(member: RelayMember): WelcomeMessage {
    const { session, id, joinedSequence, firstSequence, name } = member
    const { room } = this.#options
    return { session, member: id, joinedSequence, firstSequence, memberCount: this.members.size, name, room }
  }

  #append(records: readonly LogRecord[]): void {
    this.#log.append(records)
    this.#schedule.flushSoon()
    this.#schedule.maintainSoon()
  }

  #flush(): void {
    for (const member of this.#unacknowledged) {
      const { accepted, held, refusals } = member.receiver
      const ack = { accepted, held, head: this.#log.head, timestamp: member.timestamp, refusals }
      member.timestamp = 0
      this.#deps.send(member.packet(DatagramType.dataAck, encodeDataAck(ack)), member.peer)
    }
    this.#unacknowledged.clear()
    this.#broadcast.flush()
  }

  /** Removes the silent, accepts what had to wait, and sends again what is not acknowledged; returns when to do so again. */
  #maintain(): 'soon' | 'later' | 'never' {
    const nowMs = this.#deps.clock.monotonic()
    let busy = false
    for (const member of this.members.all) {
      if (nowMs - member.heardMs > datagramLimits.silenceMs) {
        this.remove(member, 'silent')
        continue
      }
      if (member.receiver.ready) {
        this.acceptFrom(member, nowMs)
        this.scheduleDataAck(member)
      }
      if (member.retransmissionDue(nowMs)) this.retransmit(member, member.nextUnacknowledged, this.#broadcast.sent)
      busy ||= member.inFlight || member.receiver.ready
    }
    if (this.members.size === 0) return 'never'
    return busy ? 'soon' : 'later'
  }
}

function sessionKey(session: Buffer): string {
  return session.toString('latin1')
}

interface ScheduledWork {
  readonly flush: () => void
  readonly maintain: () => 'soon' | 'later' | 'never'
}

/** When the relay works: what is new goes out a tick later, maintenance recurs while there are members. */
class RelaySchedule {
  readonly #clock: Clock
  readonly #work: ScheduledWork
  #flush: Timer | undefined
  #maintain: Timer | undefined
  #maintenanceIsSoon = false
  #stopped = false

  constructor(clock: Clock, work: ScheduledWork) {
    this.#clock = clock
    this.#work = work
  }

  flushSoon(): void {
    if (this.#stopped || this.#flush !== undefined) return
    this.#flush = this.#clock.after(datagramLimits.tickMs, () => {
      this.#flush = undefined
      this.#work.flush()
    })
  }

  maintainSoon(): void {
    if (!this.#maintenanceIsSoon) this.#maintainIn('soon')
  }

  stop(): void {
    this.#stopped = true
    this.#flush?.cancel()
    this.#maintain?.cancel()
  }

  #maintainIn(when: 'soon' | 'later'): void {
    if (this.#stopped) return
    this.#maintain?.cancel()
    this.#maintenanceIsSoon = when === 'soon'
    this.#maintain = this.#clock.after(datagramLimits[when === 'soon' ? 'retransmitTickMs' : 'idleTickMs'], () => {
      this.#maintenanceIsSoon = false
      this.#maintain = undefined
      const next = this.#work.maintain()
      // The work itself may have asked for more maintenance soon.
      if (next !== 'never' && !this.#maintenanceIsSoon) this.#maintainIn(next)
    })
  }
}

interface BroadcastOptions {
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
class Broadcast {
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
      if (member.stalled) continue
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
