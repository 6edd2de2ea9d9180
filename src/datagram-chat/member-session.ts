import type { Clock, Timer } from '../base/clock.ts'
import type { Aead, KeySchedule } from './aead.ts'
import { FieldReader } from './fields.ts'
import type { FragmentSender } from './fragment-sender.ts'
import type { WelcomeMessage } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import type { MemberDeps } from './member-interface.ts'
import { MemberTimers } from './member-timers.ts'
import { DatagramType, encodePacket, openPacket, packetNumberOf, sessionOf } from './packet.ts'
import { type LeaveReason, readLeaveReason } from './reasons.ts'
import { ReceiveWindow } from './receive-window.ts'
import { MessageAssembler, ReorderBuffer } from './record-receiver.ts'
import { copiesAt, type RetransmissionTimeout } from './retransmission.ts'
import {
  type DataAck,
  decodeDataAck,
  decodeNames,
  decodeRecordPage,
  encodeData,
  encodeRecordAck,
  type NamesPage,
} from './session-messages.ts'

interface SessionHandlers {
  readonly bye: (reason: LeaveReason) => void
  /** The relay does not know this session, or nothing was heard from it. */
  readonly lost: () => void
}

/** A member in the room: the fragments that it sends, the records that it receives and asks for. */
export class MemberSession {
  readonly welcome: WelcomeMessage
  readonly #deps: MemberDeps
  readonly #sender: FragmentSender
  readonly #timeout: RetransmissionTimeout
  readonly #handlers: SessionHandlers
  readonly #records: ReorderBuffer
  readonly #assembler: MessageAssembler
  readonly #aeads: { readonly toRelay: Aead; readonly toMember: Aead; readonly toAll: Aead }
  readonly #timers: MemberTimers
  /** Packets to everybody and packets to this member alone are numbered apart. */
  readonly windows = { toAll: new ReceiveWindow(), toMember: new ReceiveWindow() } as const
  #number = 0
  #query: NamesQuery | undefined
  #retransmission: Timer | undefined
  #lastRefused = 0
  #unsettled = false
  #closed = false

  constructor(
    welcome: WelcomeMessage,
    keySchedule: KeySchedule,
    deps: MemberDeps,
    sender: FragmentSender,
    timeout: RetransmissionTimeout,
    handlers: SessionHandlers,
  ) {
    const { session } = welcome
    this.welcome = welcome
    this.#deps = deps
    this.#sender = sender
    this.#timeout = timeout
    this.#handlers = handlers
    this.#records = new ReorderBuffer(welcome.firstSequence, welcome.joinedSequence)
    this.#assembler = new MessageAssembler(welcome, deps.show)
    this.#aeads = {
      toRelay: keySchedule('to relay', session),
      toMember: keySchedule('to member', session),
      toAll: keySchedule('to all'),
    }
    this.#timers = new MemberTimers(deps.clock, timeout, {
      acknowledge: (ask) => this.#acknowledge(ask),
      lost: () => handlers.lost(),
    })
    this.resume()
  }

  /** All records up to this sequence number were shown, or are none to show. */
  get shown(): number {
    return this.#records.received - this.#assembler.unfinished
  }

  /** Begins, or goes on after `close` when the relay still has this session. */
  resume(): void {
    this.#closed = false
    this.#timers.start()
    this.#sender.resume(this.#deps.clock.monotonic())
    this.#acknowledge('echo')
    this.pump()
  }

  /** Speaks to the relay at once: it may have to be told of another address. */
  speak(): void {
    if (!this.#closed) this.#timers.ask()
  }

  /** @throws {MalformedDatagram} */
  receive(type: DatagramType, datagram: Buffer): void {
    if (this.#closed || !sessionOf(datagram)?.equals(this.welcome.session)) return
    const toAll = type === DatagramType.broadcast
    const window = toAll ? this.windows.toAll : this.windows.toMember
    const body = openPacket(type, datagram, toAll ? this.#aeads.toAll : this.#aeads.toMember)
    if (body === undefined || !window.accept(packetNumberOf(datagram))) return
    this.#timers.heard()
    this.#sender.heard(this.#deps.clock.monotonic())
    if (type === DatagramType.broadcast || type === DatagramType.retransmit) this.#receiveRecords(body, !toAll)
    else if (type === DatagramType.dataAck) this.#settle(decodeDataAck(body))
    else if (type === DatagramType.names) this.#query?.receive(decodeNames(body))
    else if (type === DatagramType.bye) this.#handlers.bye(readLeaveReason(new FieldReader(body)))
  }

  /** Sends what is due and comes back when more is. */
  pump(): void {
    this.#retransmission?.cancel()
    if (this.#closed) return
    const { clock } = this.#deps
    const nowMs = clock.monotonic()
    for (const { fragments, attempts } of this.#sender.due(nowMs)) {
      for (let copy = 0; copy < copiesAt(attempts); copy += 1) {
        const send = () => this.#closed || this.#send(DatagramType.data, encodeData({ ...this.#progress(), fragments }))
        if (copy === 0) send()
        else clock.after(copy * datagramLimits.copyGapMs, send)
      }
    }
    const settled = this.#unsettled && this.#sender.size === 0
    this.#unsettled = this.#sender.size > 0
    const dueMs = this.#sender.nextDueMs
    // At least a millisecond: a timer that rounds down must not wake us again and again for something that is not quite due.
    const delayMs = Math.max(1, Math.ceil(dueMs - nowMs))
    if (dueMs !== Number.POSITIVE_INFINITY) this.#retransmission = clock.after(delayMs, () => this.pump())
    this.#timers.pollHeld(this.#sender.held)
    if (settled) this.#deps.show({ type: 'settled' })
  }

  who(): void {
    this.#query?.close()
    this.#query = new NamesQuery({
      clock: this.#deps.clock,
      timeout: this.#timeout,
      ask: (after) => this.#send(DatagramType.who, fourBytes(after)),
      done: (names) => this.#deps.show(names === undefined ? { type: 'names-unknown' } : { type: 'names', names }),
    })
  }

  sendLeave(): void {
    this.#send(DatagramType.leave, Buffer.alloc(0))
  }

  close(): void {
    this.#closed = true
    this.#retransmission?.cancel()
    this.#query?.close()
    this.#timers.close()
  }

  #receiveRecords(body: Buffer, retransmitted: boolean): void {
    for (const sequenced of this.#records.add(decodeRecordPage(body))) {
      const { record, sequence } = sequenced
      const { member, joinedSequence } = this.welcome
      const own = record.kind === 'fragment' && record.member === member && sequence > joinedSequence
      if (own) this.#sender.settle(record.fragmentNumber)
      this.#assembler.read(sequenced)
    }
    this.#timers.recordsArrived(this.#records.complete, this.#records.received, retransmitted)
    this.pump()
  }

  #settle(ack: DataAck): void {
    const nowMs = this.#deps.clock.monotonic()
    if (ack.timestamp !== 0) this.#timeout.sample((fourByteTime(nowMs) - ack.timestamp) >>> 0)
    for (const { fragment, reason } of ack.refusals.filter((refusal) => refusal.fragment > this.#lastRefused)) {
      this.#lastRefused = fragment
      this.#deps.show({ type: 'message-refused', text: this.#sender.textOf(fragment), reason })
    }
    this.#sender.acknowledge(ack, nowMs)
    this.#records.learnHead(ack.head)
    this.#timers.recordsArrived(this.#records.complete, this.#records.received, false)
    this.pump()
  }

  #acknowledge(ask: 'echo' | 'no echo'): void {
    const timestamp = ask === 'echo' ? fourByteTime(this.#deps.clock.monotonic()) : 0
    this.#send(DatagramType.recordAck, encodeRecordAck({ ...this.#progress(), timestamp, gaps: this.#records.gaps() }))
  }

  #progress() {
    return { lowestFragment: this.#sender.lowest, received: this.#records.received }
  }

  #send(type: DatagramType, body: Buffer): void {
    this.#number += 1
    this.#deps.send(encodePacket(type, this.welcome.session, this.#number, body, this.#aeads.toRelay))
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
  readonly timeout: RetransmissionTimeout
  /** Asks the relay for names of members whose id is above `after`. */
  readonly ask: (after: number) => void
  /** Undefined when the relay did not answer. */
  readonly done: (names: readonly string[] | undefined) => void
}

/** Asks who is in the room, page by page, each at most `datagramLimits.attempts` times. */
class NamesQuery {
  readonly #options: NamesQueryOptions
  readonly #names: string[] = []
  #after = 0
  #timer: Timer | undefined

  constructor(options: NamesQueryOptions) {
    this.#options = options
    this.#ask(1)
  }

  receive(page: NamesPage): void {
    if (page.after !== this.#after) return
    this.#timer?.cancel()
    this.#names.push(...page.names)
    // Ids only grow: a relay whose `next` does not could keep us asking for ever.
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

  #ask(attempt: number): void {
    const { clock, timeout, ask, done } = this.#options
    if (attempt > datagramLimits.attempts) {
      done(undefined)
      return
    }
    ask(this.#after)
    this.#timer = clock.after(timeout.afterMs(attempt), () => this.#ask(attempt + 1))
  }
}
