import { datagramLimits } from './limits.ts'
import type { RetransmissionTimeout } from './retransmission.ts'
import { type DataAck, dataPrefixBytes, encodedBytes, type Fragment, maxBodyBytes } from './session-messages.ts'

interface PendingFragment {
  readonly fragment: Fragment
  readonly text: string
  attempts: number
  /** How often the attempts began anew, since the relay was heard again. */
  series: number
  /** It had been sent before these attempts. */
  again: boolean
  /** The first and the last of these attempts. */
  sinceMs: number
  sentMs: number
  /** The relay has it, and it waits there for the rate limit. */
  held: boolean
}

/** Fragments for one datagram that has to be sent now. */
export interface DueDatagram {
  readonly fragments: readonly Fragment[]
  /** The highest number of attempts, this one included, of any of them. */
  readonly attempts: number
}

/** A member's end of its own messages: cuts them into fragments, keeps to the relay's window, and sends again what is not acknowledged. */
export class FragmentSender {
  readonly #timeout: RetransmissionTimeout
  readonly #onGivenUp: (text: string) => void
  #pending: PendingFragment[] = []
  #lastNumber = 0
  #accepted = 0
  #retransmitted = 0
  #heardMs = Number.NEGATIVE_INFINITY

  /** `onGivenUp` gets the text of a message that may not have arrived. */
  constructor(timeout: RetransmissionTimeout, onGivenUp: (text: string) => void) {
    this.#timeout = timeout
    this.#onGivenUp = onGivenUp
  }

  /** Fragments that the relay has not yet accepted. */
  get size(): number {
    return this.#pending.length
  }

  /** Fragments that had to be sent more than once. */
  get retransmitted(): number {
    return this.#retransmitted
  }

  /** Whether something waits at the relay for the rate limit. */
  get held(): boolean {
    return this.#pending.some(({ held }) => held)
  }

  /** The number of the oldest fragment that is not given up. */
  get lowest(): number {
    return this.#pending[0]?.fragment.number ?? this.#lastNumber + 1
  }

  /** `full` when too much is queued already, `too-long` above 4 KiB: then nothing is sent. */
  add(text: string, action: boolean): 'queued' | 'full' | 'too-long' {
    const cut = fragmentsOf(text)
    if (cut === undefined) return 'too-long'
    if (this.#pending.length + cut.length > datagramLimits.sendQueueFragments) return 'full'
    for (const [index, bytes] of cut.entries()) {
      this.#lastNumber += 1
      const fragment = { number: this.#lastNumber, action, index, count: cut.length, bytes }
      this.#pending.push({ fragment, text, attempts: 0, series: 0, again: false, sinceMs: 0, sentMs: 0, held: false })
    }
    return 'queued'
  }

  /** Something came from the relay. What was sent into silence until now is sent anew, at once. */
  heard(nowMs: number): void {
    const { attempts, attemptSeries } = datagramLimits
    for (const one of this.#pending) {
      if (one.attempts < attempts || this.#wasHeardSince(one) || one.series + 1 >= attemptSeries) continue
      this.#beginAnew(one)
      one.series += 1
    }
    this.#heardMs = nowMs
  }

  /** The session goes on after a break, in which nothing that was sent can have arrived: it is sent anew, at once. */
  resume(nowMs: number): void {
    for (const one of this.#pending) if (one.attempts > 0) this.#beginAnew(one)
    this.#heardMs = nowMs
  }

  /** What has to be sent now; counts as sent. Gives up messages that were sent often enough to a relay that is there. */
  due(nowMs: number): readonly DueDatagram[] {
    const { attempts } = datagramLimits
    const isLate = (one: PendingFragment) =>
      this.#dueMs(one) <= nowMs && one.attempts >= attempts && this.#wasHeardSince(one)
    for (const late of this.#inWindow().filter(isLate)) this.#giveUp(late)
    const datagrams: { fragments: Fragment[]; attempts: number; bytes: number }[] = []
    for (const one of this.#inWindow().filter((candidate) => this.#dueMs(candidate) <= nowMs)) {
      if (one.attempts === 0) one.sinceMs = nowMs
      if (one.attempts === 1 && !one.again) this.#retransmitted += 1
      one.attempts = Math.min(one.attempts + 1, attempts)
      one.sentMs = nowMs
      const bytes = encodedBytes(one.fragment)
      let last = datagrams.at(-1)
      if (last === undefined || last.bytes + bytes > maxBodyBytes) {
        last = { fragments: [], attempts: 1, bytes: dataPrefixBytes }
        datagrams.push(last)
      }
      last.fragments.push(one.fragment)
      last.attempts = Math.max(last.attempts, one.attempts)
      last.bytes += bytes
    }
    return datagrams
  }

  /** When something is due next; infinity when nothing is in flight. */
  get nextDueMs(): number {
    return this.#inWindow().reduce((earliest, one) => Math.min(earliest, this.#dueMs(one)), Number.POSITIVE_INFINITY)
  }

  acknowledge(ack: DataAck, nowMs: number): void {
    for (const one of this.#pending) {
      const distance = one.fragment.number - ack.accepted - 1
      const held = distance >= 0 && distance < datagramLimits.windowFragments && (ack.held & (1 << distance)) !== 0
      const wasSentOnce = one.attempts === 1 && !one.again
      if ((distance < 0 || held) && !one.held && wasSentOnce) this.#timeout.sample(nowMs - one.sentMs)
      one.held ||= held
    }
    this.settle(ack.accepted)
  }

  /** All fragments up to this number are in the log, or were refused. */
  settle(number: number): void {
    this.#accepted = Math.max(this.#accepted, number)
    while (this.#pending[0] !== undefined && this.#pending[0].fragment.number <= number) this.#pending.shift()
  }

  /** The text that the fragment with this number belongs to, while it is pending. */
  textOf(number: number): string | undefined {
    return this.#pending.find((one) => one.fragment.number === number)?.text
  }

  /** A new session: what was in flight may or may not have arrived, so its author is told; what was not yet sent is kept. */
  restart(): void {
    const pending = this.#pending
    const sent = new Set(pending.filter(({ attempts, again }) => attempts > 0 || again).map(messageOf))
    this.#pending = []
    this.#lastNumber = 0
    this.#accepted = 0
    const messages = new Map(pending.map((one) => [messageOf(one), one]))
    for (const [message, { text, fragment }] of messages) {
      if (sent.has(message)) this.#onGivenUp(text)
      else this.add(text, fragment.action)
    }
  }

  /** Gives up everything. */
  abandon(): void {
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) this.#giveUp(first)
  }

  #beginAnew(one: PendingFragment): void {
    if (one.attempts === 1 && !one.again) this.#retransmitted += 1
    one.again = true
    one.attempts = 0
  }

  /** Whether the relay was there since the first attempt, and so would have answered one. */
  #wasHeardSince({ sinceMs }: PendingFragment): boolean {
    return this.#heardMs > sinceMs
  }

  #giveUp(one: PendingFragment): void {
    const message = messageOf(one)
    const before = this.#pending.length
    this.#pending = this.#pending.filter((other) => messageOf(other) !== message)
    if (this.#pending.length < before) this.#onGivenUp(one.text)
  }

  #inWindow(): readonly PendingFragment[] {
    const end = Math.max(this.#accepted, this.lowest - 1) + datagramLimits.windowFragments
    return this.#pending.slice(0, datagramLimits.windowFragments).filter(({ fragment }) => fragment.number <= end)
  }

  #dueMs({ attempts, sentMs, held }: PendingFragment): number {
    if (held) return Number.POSITIVE_INFINITY
    return attempts === 0 ? 0 : sentMs + this.#timeout.afterMs(attempts)
  }
}

/** A message is known by the number of its first fragment. */
function messageOf({ fragment }: PendingFragment): number {
  return fragment.number - fragment.index
}

/** Cuts the UTF-8 of a text into fragments. Undefined above `datagramLimits.textBytes`. */
function fragmentsOf(text: string): readonly Buffer[] | undefined {
  const { textBytes, fragmentBytes } = datagramLimits
  const bytes = Buffer.from(text.toWellFormed())
  if (bytes.length > textBytes) return undefined
  const count = Math.max(1, Math.ceil(bytes.length / fragmentBytes))
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * fragmentBytes, (index + 1) * fragmentBytes))
}
