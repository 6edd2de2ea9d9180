import type { Timer } from '../base/clock.ts'
import { limits } from '../base/limits.ts'
import type { MakeSeal } from './aead.ts'
import { MalformedDatagram } from './fields.ts'
import { PartOutbox } from './fragment-sender.ts'
import type { Challenge, Welcome } from './handshake-messages.ts'
import { MemberDoor } from './member-handshake.ts'
import type { MemberEnd, MemberOptions, MemberPorts, MemberStats } from './member-interface.ts'
import { MemberSession } from './member-session.ts'
import { DatagramType, datagramType, headerBytes, sessionBytes } from './packet.ts'
import type { LeaveReason } from './reasons.ts'
import type { ReceiveCounts } from './receive-window.ts'
import { RoundTrip } from './rtt.ts'
import { copyGapMs } from './tries.ts'

/** A goodbye is said this often, and then we are gone whether or not it was heard; the relay notices our silence in the end. */
const goodbyes = 3

/**
 * A member of a room over UDP: datagrams, typed lines and time in, datagrams and events out. Knows no socket and no terminal. When the
 * relay falls silent it tries to enter again, and goes on where it was if the relay still knows it.
 */
export class Member {
  readonly #options: MemberOptions
  readonly #ports: MemberPorts
  readonly #roundTrip = new RoundTrip()
  readonly #outbox: PartOutbox
  #door: MemberDoor | undefined
  #session: MemberSession | undefined
  /** Names the start of the relay that the session is with. */
  #salt: Buffer | undefined
  #entered = false
  #goodbye: Timer | undefined
  #ended = false

  constructor(options: MemberOptions, ports: MemberPorts) {
    this.#options = options
    this.#ports = ports
    this.#outbox = new PartOutbox(this.#roundTrip, (text) => ports.show({ type: 'unconfirmed', text }))
  }

  /** Parts of messages that are not yet in the room. */
  get unsettled(): number {
    return this.#outbox.size
  }

  /** Begins to enter, for the first time or after an `ended`. Every way there ends with `entered` or `ended`. */
  enter(): void {
    this.#ended = false
    const previous = this.#session?.welcome
    this.#door?.close()
    this.#door = new MemberDoor(this.#options, this.#ports, previous?.session, {
      entered: (welcome, challenge, makeSeal) => this.#welcomed(welcome, challenge, makeSeal),
      failed: (end) => this.#end(end),
    })
    this.#door.knock()
  }

  /** The bytes may change after this returns. */
  receive(datagram: Buffer): void {
    if (this.#ended) return
    const type = datagramType(datagram)
    if (type === 'foreign') return
    try {
      this.#dispatch(type, datagram)
    } catch (error) {
      if (!(error instanceof MalformedDatagram)) throw error
    }
  }

  /** `too-long`: above 4 KiB of UTF-8. `full`: too much is under way; wait for `settled`. Otherwise it is sent now or once entered. */
  say(text: string, acted = false): 'queued' | 'full' | 'too-long' | 'empty' {
    if (text.trim() === '') return 'empty'
    const result = this.#outbox.add(text, acted)
    this.#session?.pump()
    return result
  }

  /** Answered by `names` or `names-unknown`. */
  who(): void {
    if (this.#session === undefined) this.#ports.show({ type: 'names-unknown' })
    else this.#session.who()
  }

  /** Says goodbye; `ended` follows in any case. */
  leave(): void {
    if (this.#ended) return
    if (this.#session === undefined) this.#end({ type: 'bye', reason: 'left' })
    else this.#sayGoodbye(this.#session, 1)
  }

  /** Stops at once and without a word. */
  close(): void {
    this.#ended = true
    this.#goodbye?.cancel()
    this.#goodbye = undefined
    this.#door?.close()
    this.#door = undefined
    this.#session?.close()
  }

  get stats(): MemberStats {
    const windows = this.#session?.windows
    const counts = windows === undefined ? [] : [windows.toAll.counts, windows.toMember.counts]
    const total = (name: keyof ReceiveCounts) => counts.reduce((sum, one) => sum + one[name], 0)
    return {
      received: total('received'),
      lost: total('lost'),
      duplicates: total('duplicates'),
      reordered: total('reordered'),
      sentAgain: this.#outbox.sentAgain,
      roundTripMs: this.#roundTrip.smoothedMs,
      variationMs: this.#roundTrip.variationMs,
    }
  }

  #dispatch(type: DatagramType | 'version', datagram: Buffer): void {
    if (type === 'version' || type === DatagramType.version) this.#door?.otherVersion(datagram[2] ?? 0)
    else if (type === DatagramType.reset) this.#reset(datagram)
    else if (type < DatagramType.say) this.#door?.receive(type, datagram)
    else this.#session?.receive(type, datagram)
  }

  #welcomed(welcome: Welcome, { salt, keyed }: Challenge, makeSeal: MakeSeal): void {
    this.#door = undefined
    const { room, name, memberCount: members } = welcome
    // The order of a room goes on for as long as its relay runs, so that what was shown need not be shown again.
    const shown = this.#salt?.equals(salt) === true ? this.#session?.shown : undefined
    this.#salt = salt
    const again = this.#entered
    this.#entered = true
    if (this.#session?.welcome.session.equals(welcome.session)) {
      this.#ports.show({ type: 'entered', room, name, members, keyed, again })
      this.#session.resume()
      return
    }
    this.#session?.close()
    if (again) this.#restartOutbox()
    this.#ports.show({ type: 'entered', room, name, members, keyed, again })
    const firstNew = shown === undefined ? welcome.firstOrder : shown + 1
    if (firstNew < welcome.firstOrder) this.#ports.show({ type: 'missed', count: welcome.firstOrder - firstNew })
    const unseen = { ...welcome, firstOrder: Math.max(welcome.firstOrder, firstNew) }
    this.#session = new MemberSession(unseen, makeSeal, this.#ports, this.#outbox, this.#roundTrip, {
      bye: (reason) => this.#bye(reason),
      lost: () => this.#enterAgain(),
    })
  }

  #restartOutbox(): void {
    const unsettled = this.#outbox.size > 0
    this.#outbox.restart()
    if (unsettled && this.#outbox.size === 0) this.#ports.show({ type: 'settled' })
  }

  /** The relay does not know our session at our address: it was started anew, or a router on the way was. */
  #reset(datagram: Buffer): void {
    const session = this.#session?.welcome.session
    if (session === undefined || !datagram.subarray(headerBytes, headerBytes + sessionBytes).equals(session)) return
    if (this.#goodbye !== undefined) this.#end({ type: 'bye', reason: 'left' })
    else if (this.#door === undefined) this.#enterAgain()
  }

  #enterAgain(): void {
    this.#session?.close()
    this.#ports.show({ type: 'lost' })
    this.enter()
  }

  #bye(reason: LeaveReason): void {
    if (reason === 'silent') this.#enterAgain()
    else this.#end({ type: 'bye', reason })
  }

  #sayGoodbye(session: MemberSession, times: number): void {
    if (times > goodbyes) {
      this.#end({ type: 'bye', reason: 'left' })
      return
    }
    session.sendLeave()
    const waitMs = times < goodbyes ? copyGapMs : Math.min(limits.drainMs, this.#roundTrip.timeoutMs())
    this.#goodbye = this.#ports.clock.after(waitMs, () => this.#sayGoodbye(session, times + 1))
  }

  #end(end: MemberEnd): void {
    this.close()
    this.#ports.show({ type: 'ended', end })
  }
}
