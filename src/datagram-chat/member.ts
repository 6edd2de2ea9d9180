import type { Timer } from '../base/clock.ts'
import { limits } from '../base/limits.ts'
import type { KeySchedule } from './aead.ts'
import { MalformedDatagram } from './fields.ts'
import { FragmentSender } from './fragment-sender.ts'
import type { Challenge, WelcomeMessage } from './handshake-messages.ts'
import { datagramLimits } from './limits.ts'
import { MemberHandshake } from './member-handshake.ts'
import type { MemberDeps, MemberEnd, MemberOptions, MemberStats } from './member-interface.ts'
import { MemberSession } from './member-session.ts'
import { DatagramType, datagramType, headerBytes, sessionBytes } from './packet.ts'
import type { LeaveReason } from './reasons.ts'
import type { ReceiveCounts } from './receive-window.ts'
import { RetransmissionTimeout } from './retransmission.ts'

/**
 * A member of a room over UDP: datagrams, typed lines and time in, datagrams and events out. Knows no socket and no terminal. When the
 * relay falls silent it tries to join again until it is back or told to stop, and resumes its session if the relay still has it.
 */
export class MemberEndpoint {
  readonly #options: MemberOptions
  readonly #deps: MemberDeps
  readonly #timeout = new RetransmissionTimeout()
  readonly #sender: FragmentSender
  #handshake: MemberHandshake | undefined
  #session: MemberSession | undefined
  /** Identifies the start of the relay that the session is with. */
  #salt: Buffer | undefined
  #joinedBefore = false
  #goodbye: Timer | undefined
  /** Since when it tries to get back in; undefined while it need not. */
  #lostMs: number | undefined
  #nextRound: Timer | undefined
  #ended = false

  constructor(options: MemberOptions, deps: MemberDeps) {
    this.#options = options
    this.#deps = deps
    this.#sender = new FragmentSender(this.#timeout, (text) => deps.show({ type: 'unconfirmed', text }))
  }

  /** Fragments of messages that the relay has not yet accepted. */
  get unsettled(): number {
    return this.#sender.size
  }

  /** Starts to join. It ends with `entered` or `ended`. */
  join(): void {
    this.#ended = false
    this.#shakeHands((end) => this.#end(end))
  }

  /** Another socket carries the datagrams from now on, maybe from another address, and the relay has to hear of it. */
  pathChanged(): void {
    this.#session?.speak()
  }

  /** Tells what is not confirmed, and ends as if the relay had not answered. */
  giveUp(): void {
    if (this.#ended) return
    this.#sender.abandon()
    this.#end({ type: 'no-answer' })
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

  /** `too-long`: above 4 KiB of UTF-8. `full`: too much is queued; wait for `settled`. Otherwise it is sent now or once joined. */
  say(text: string, action = false): 'queued' | 'full' | 'too-long' | 'empty' {
    if (text.trim() === '') return 'empty'
    const result = this.#sender.add(text, action)
    this.#session?.pump()
    return result
  }

  /** Answered by `names` or `names-unknown`. */
  who(): void {
    if (this.#session === undefined) this.#deps.show({ type: 'names-unknown' })
    else this.#session.who()
  }

  /** Sends a goodbye; `ended` follows in any case. */
  leave(): void {
    if (this.#ended) return
    if (this.#session === undefined || this.#lostMs !== undefined) this.#end({ type: 'bye', reason: 'left' })
    else this.#sendGoodbye(this.#session, 1)
  }

  /** Stops at once and sends nothing. */
  close(): void {
    this.#ended = true
    this.#goodbye?.cancel()
    this.#goodbye = undefined
    this.#lostMs = undefined
    this.#nextRound?.cancel()
    this.#handshake?.close()
    this.#handshake = undefined
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
      retransmitted: this.#sender.retransmitted,
      roundTripMs: this.#timeout.smoothedMs,
      variationMs: this.#timeout.variationMs,
    }
  }

  #dispatch(type: DatagramType | 'version', datagram: Buffer): void {
    if (type === 'version' || type === DatagramType.version) this.#handshake?.otherVersion(datagram[2] ?? 0)
    else if (type === DatagramType.reset) this.#reset(datagram)
    else if (type < DatagramType.data) this.#handshake?.receive(type, datagram)
    else this.#session?.receive(type, datagram)
  }

  #shakeHands(failed: (end: MemberEnd) => void): void {
    this.#handshake?.close()
    this.#handshake = new MemberHandshake(this.#options, this.#deps, this.#session?.welcome.session, {
      joined: (welcome, challenge, keySchedule) => this.#welcomed(welcome, challenge, keySchedule),
      failed,
    })
    this.#handshake.start()
  }

  #welcomed(welcome: WelcomeMessage, { salt, keyed }: Challenge, keySchedule: KeySchedule): void {
    this.#handshake = undefined
    this.#lostMs = undefined
    const { room, name, memberCount: members } = welcome
    // Sequence numbers go on for as long as the relay runs, so that what was shown need not be shown again.
    const shown = this.#salt?.equals(salt) === true ? this.#session?.shown : undefined
    this.#salt = salt
    const again = this.#joinedBefore
    this.#joinedBefore = true
    if (this.#session?.welcome.session.equals(welcome.session)) {
      this.#deps.show({ type: 'entered', room, name, members, keyed, again })
      this.#session.resume()
      return
    }
    this.#session?.close()
    if (again) this.#restartSender()
    this.#deps.show({ type: 'entered', room, name, members, keyed, again })
    const firstNew = shown === undefined ? welcome.firstSequence : shown + 1
    if (firstNew < welcome.firstSequence) this.#deps.show({ type: 'missed', count: welcome.firstSequence - firstNew })
    const unseen = { ...welcome, firstSequence: Math.max(welcome.firstSequence, firstNew) }
    this.#session = new MemberSession(unseen, keySchedule, this.#deps, this.#sender, this.#timeout, {
      bye: (reason) => this.#bye(reason),
      lost: () => this.#rejoin(),
    })
  }

  #restartSender(): void {
    const unsettled = this.#sender.size > 0
    this.#sender.restart()
    if (unsettled && this.#sender.size === 0) this.#deps.show({ type: 'settled' })
  }

  /** The relay does not have our session, or not at our address: it was started anew, or a router on the way (NAT) was. */
  #reset(datagram: Buffer): void {
    const session = this.#session?.welcome.session
    if (session === undefined || !datagram.subarray(headerBytes, headerBytes + sessionBytes).equals(session)) return
    if (this.#goodbye !== undefined) this.#end({ type: 'bye', reason: 'left' })
    else this.#rejoin()
  }

  #rejoin(): void {
    if (this.#lostMs !== undefined) return
    this.#lostMs = this.#deps.clock.monotonic()
    this.#session?.close()
    this.#deps.show({ type: 'lost' })
    this.#tryToRejoin(1)
  }

  /** One round of it; what follows is each time further off, and over another path. */
  #tryToRejoin(round: number): void {
    const { rejoinMs, rejoinMaxMs } = datagramLimits
    const { clock, renewPath } = this.#deps
    this.#shakeHands((end) => {
      this.#handshake = undefined
      if (!this.#mayPass(end)) {
        this.#end(end)
        return
      }
      this.#nextRound = clock.after(Math.min(rejoinMaxMs, rejoinMs * round), () => {
        const next = () => this.#lostMs === undefined || this.#tryToRejoin(round + 1)
        if (renewPath === undefined) next()
        else renewPath(next)
      })
    })
  }

  /** Whether the end of an attempt to get back in is no reason to stop. */
  #mayPass(end: MemberEnd): boolean {
    if (end.type === 'no-answer') return true
    if (end.type !== 'refused') return false
    const lostForMs = this.#deps.clock.monotonic() - (this.#lostMs ?? 0)
    return end.reason === 'stopping' || (end.reason === 'name-taken' && lostForMs < datagramLimits.ghostMs)
  }

  #bye(reason: LeaveReason): void {
    if (reason === 'silent') this.#rejoin()
    else this.#end({ type: 'bye', reason })
  }

  #sendGoodbye(session: MemberSession, times: number): void {
    const { goodbyes, copyGapMs } = datagramLimits
    if (times > goodbyes) {
      this.#end({ type: 'bye', reason: 'left' })
      return
    }
    session.sendLeave()
    const waitMs = times < goodbyes ? copyGapMs : Math.min(limits.drainMs, this.#timeout.afterMs())
    this.#goodbye = this.#deps.clock.after(waitMs, () => this.#sendGoodbye(session, times + 1))
  }

  #end(end: MemberEnd): void {
    this.close()
    this.#deps.show({ type: 'ended', end })
  }
}
