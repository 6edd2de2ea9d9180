import type { Clock, Timer } from '../base/clock.ts'
import type { MakeSeal, Seal } from './aead.ts'
import { ByteReader } from './fields.ts'
import type { PartOutbox } from './fragment-sender.ts'
import type { Welcome } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import type { MemberPorts } from './member-interface.ts'
import { SessionTimers } from './member-timers.ts'
import { DatagramType, encodeEnvelope, numberOf, openEnvelope, sessionOf } from './packet.ts'
import { type LeaveReason, readLeaveReason } from './reasons.ts'
import { ReceiveWindow } from './receive-window.ts'
import { RoomInbox, RoomReader } from './record-receiver.ts'
import type { RoundTrip } from './rtt.ts'
import {
  type Ack,
  decodeAck,
  decodeNames,
  decodeRoomPiece,
  encodeSay,
  encodeSeen,
  type Names,
} from './session-messages.ts'
import { copiesOf, copyGapMs } from './tries.ts'

interface Outcome {
  readonly bye: (reason: LeaveReason) => void
  /** The relay does not know this session, or nothing was heard from it. */
  readonly lost: () => void
}

/** A member inside the room: what it says, what it has seen, what it lacks. */
export class MemberSession {
  readonly welcome: Welcome
  readonly #ports: MemberPorts
  readonly #outbox: PartOutbox
  readonly #roundTrip: RoundTrip
  readonly #outcome: Outcome
  readonly #inbox: RoomInbox
  readonly #reader: RoomReader
  readonly #seals: { readonly toRelay: Seal; readonly toMember: Seal; readonly toAll: Seal }
  readonly #timers: SessionTimers
  /** What came for everybody and for this member alone is numbered apart. */
  readonly windows = { toAll: new ReceiveWindow(), toMember: new ReceiveWindow() } as const
  #number = 0
  #query: NamesQuery | undefined
  #resend: Timer | undefined
  #lastRefused = 0
  #unsettled = false
  #closed = false

  constructor(
    welcome: Welcome,
    makeSeal: MakeSeal,
    ports: MemberPorts,
    outbox: PartOutbox,
    roundTrip: RoundTrip,
    outcome: Outcome,
  ) {
    const { session } = welcome
    this.welcome = welcome
    this.#ports = ports
    this.#outbox = outbox
    this.#roundTrip = roundTrip
    this.#outcome = outcome
    this.#inbox = new RoomInbox(welcome.firstOrder, welcome.joinedOrder)
    this.#reader = new RoomReader(welcome, ports.show)
    this.#seals = {
      toRelay: makeSeal('to relay', session),
      toMember: makeSeal('to member', session),
      toAll: makeSeal('to all'),
    }
    this.#timers = new SessionTimers(ports.clock, roundTrip, {
      report: (ask) => this.#report(ask),
      lost: () => outcome.lost(),
    })
    this.resume()
  }

  /** Everything in the room's order up to here was shown, or is not to be. */
  get shown(): number {
    return this.#inbox.seen - this.#reader.unfinished
  }

  /** Begins, or goes on after `close`, when the relay still knew this session. */
  resume(): void {
    this.#closed = false
    this.#timers.start()
    this.#report('answer')
    this.pump()
  }

  /** @throws {MalformedDatagram} */
  receive(type: DatagramType, datagram: Buffer): void {
    if (this.#closed || !sessionOf(datagram)?.equals(this.welcome.session)) return
    const toAll = type === DatagramType.room
    const window = toAll ? this.windows.toAll : this.windows.toMember
    const body = openEnvelope(type, datagram, toAll ? this.#seals.toAll : this.#seals.toMember)
    if (body === undefined || !window.accept(numberOf(datagram))) return
    this.#timers.heard()
    if (type === DatagramType.room || type === DatagramType.resend) this.#entries(body, !toAll)
    else if (type === DatagramType.ack) this.#acknowledged(decodeAck(body))
    else if (type === DatagramType.names) this.#query?.receive(decodeNames(body))
    else if (type === DatagramType.bye) this.#outcome.bye(readLeaveReason(new ByteReader(body)))
  }

  /** Sends what is due and comes back when more is. */
  pump(): void {
    this.#resend?.cancel()
    if (this.#closed) return
    const { clock } = this.#ports
    const nowMs = clock.monotonic()
    for (const { parts, tries } of this.#outbox.due(nowMs)) {
      for (let copy = 0; copy < copiesOf(tries); copy += 1) {
        const say = () => this.#closed || this.#send(DatagramType.say, encodeSay({ ...this.#progress(), parts }))
        if (copy === 0) say()
        else clock.after(copy * copyGapMs, say)
      }
    }
    const settled = this.#unsettled && this.#outbox.size === 0
    this.#unsettled = this.#outbox.size > 0
    const dueMs = this.#outbox.nextDueMs
    // At least a millisecond: a timer that rounds down must not wake us again and again for something that is not quite due.
    const delayMs = Math.max(1, Math.ceil(dueMs - nowMs))
    if (dueMs !== Number.POSITIVE_INFINITY) this.#resend = clock.after(delayMs, () => this.pump())
    this.#timers.expectAnswer(this.#outbox.waitsAtRelay)
    if (settled) this.#ports.show({ type: 'settled' })
  }

  who(): void {
    this.#query?.close()
    this.#query = new NamesQuery({
      clock: this.#ports.clock,
      roundTrip: this.#roundTrip,
      ask: (after) => this.#send(DatagramType.who, fourBytes(after)),
      done: (names) => this.#ports.show(names === undefined ? { type: 'names-unknown' } : { type: 'names', names }),
    })
  }

  sendLeave(): void {
    this.#send(DatagramType.leave, Buffer.alloc(0))
  }

  close(): void {
    this.#closed = true
    this.#resend?.cancel()
    this.#query?.close()
    this.#timers.close()
  }

  #entries(body: Buffer, again: boolean): void {
    for (const ordered of this.#inbox.add(decodeRoomPiece(body))) {
      const { entry, order } = ordered
      const own = entry.kind === 'part' && entry.member === this.welcome.member && order > this.welcome.joinedOrder
      if (own) this.#outbox.settle(entry.part)
      this.#reader.read(ordered)
    }
    this.#timers.entriesCame(this.#inbox.complete, this.#inbox.seen, again)
    this.pump()
  }

  #acknowledged(ack: Ack): void {
    const nowMs = this.#ports.clock.monotonic()
    if (ack.stamp !== 0) this.#roundTrip.sample((fourByteTime(nowMs) - ack.stamp) >>> 0)
    for (const { part, reason } of ack.refusals.filter((refusal) => refusal.part > this.#lastRefused)) {
      this.#lastRefused = part
      this.#ports.show({ type: 'not-taken', text: this.#outbox.textOf(part), reason })
    }
    this.#outbox.acknowledge(ack, nowMs)
    this.#inbox.learnHead(ack.head)
    this.#timers.entriesCame(this.#inbox.complete, this.#inbox.seen, false)
    this.pump()
  }

  #report(ask: 'answer' | 'no answer'): void {
    const stamp = ask === 'answer' ? fourByteTime(this.#ports.clock.monotonic()) : 0
    this.#send(DatagramType.seen, encodeSeen({ ...this.#progress(), stamp, gaps: this.#inbox.gaps() }))
  }

  #progress() {
    return { lowestPart: this.#outbox.lowest, seen: this.#inbox.seen }
  }

  #send(type: DatagramType, body: Buffer): void {
    this.#number += 1
    this.#ports.send(encodeEnvelope(type, this.welcome.session, this.#number, body, this.#seals.toRelay))
  }
}

/** Milliseconds in 32 bits, never 0: that means "none". */
function fourByteTime(nowMs: number): number {
  return Math.floor(nowMs) >>> 0 || 1
}

function fourBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

interface NamesQueryOptions {
  readonly clock: Clock
  readonly roundTrip: RoundTrip
  /** Asks the relay for names of members whose id is above `after`. */
  readonly ask: (after: number) => void
  /** Undefined when the relay did not answer. */
  readonly done: (names: readonly string[] | undefined) => void
}

/** Asks who is in the room, page by page, each at most five times. */
export class NamesQuery {
  readonly #options: NamesQueryOptions
  readonly #names: string[] = []
  #after = 0
  #timer: Timer | undefined

  constructor(options: NamesQueryOptions) {
    this.#options = options
    this.#ask(1)
  }

  receive(page: Names): void {
    if (page.after !== this.#after) return
    this.#timer?.cancel()
    this.#names.push(...page.names)
    // Ids only grow, so a relay that speaks nonsense cannot keep us asking.
    if (page.next <= this.#after || this.#names.length > datagramLimits.maxMembers) {
      this.#options.done(this.#names)
      return
    }
    this.#after = page.next
    this.#ask(1)
  }

  close(): void {
    this.#timer?.cancel()
  }

  #ask(tries: number): void {
    const { clock, roundTrip, ask, done } = this.#options
    if (tries > datagramLimits.tries) {
      done(undefined)
      return
    }
    ask(this.#after)
    this.#timer = clock.after(roundTrip.timeoutMs(tries), () => this.#ask(tries + 1))
  }
}
