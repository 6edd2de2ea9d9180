import { datagramLimits } from './limits.ts'
import type { RoundTrip } from './rtt.ts'
import { type Ack, maxBodyBytes, type Part, partBytes, sayPrefixBytes } from './session-messages.ts'

interface Outgoing {
  readonly part: Part
  readonly text: string
  tries: number
  sentMs: number
  /** The relay has it and it waits its turn there. */
  held: boolean
}

export interface Due {
  /** Parts for one datagram. */
  readonly parts: readonly Part[]
  /** The highest number of sends, this one included, of any of them. */
  readonly tries: number
}

/** A member's end of its own messages: numbers their parts, keeps to the relay's window, and sends again what is not acknowledged. */
export class PartOutbox {
  readonly #roundTrip: RoundTrip
  readonly #onGivenUp: (text: string) => void
  #outgoing: Outgoing[] = []
  #lastPart = 0
  #taken = 0
  #sentAgain = 0

  constructor(roundTrip: RoundTrip, onGivenUp: (text: string) => void) {
    this.#roundTrip = roundTrip
    this.#onGivenUp = onGivenUp
  }

  /** Parts that the relay has not yet put before the room. */
  get size(): number {
    return this.#outgoing.length
  }

  /** Parts that had to be sent more than once. */
  get sentAgain(): number {
    return this.#sentAgain
  }

  get waitsAtRelay(): boolean {
    return this.#outgoing.some(({ held }) => held)
  }

  get lowest(): number {
    return this.#outgoing[0]?.part.part ?? this.#lastPart + 1
  }

  /** `full` when too much is under way already, `too-long` above 4 KiB: then nothing is sent. */
  add(text: string, acted: boolean): 'queued' | 'full' | 'too-long' {
    const pieces = textParts(text)
    if (pieces === undefined) return 'too-long'
    if (this.#outgoing.length + pieces.length > datagramLimits.outboxMessages) return 'full'
    for (const [index, bytes] of pieces.entries()) {
      this.#lastPart += 1
      const part = { part: this.#lastPart, acted, index, count: pieces.length, bytes }
      this.#outgoing.push({ part, text, tries: 0, sentMs: 0, held: false })
    }
    return 'queued'
  }

  /** What has to be sent now; counts as sent. Gives up messages that were sent often enough. */
  due(nowMs: number): readonly Due[] {
    for (const late of this.#inWindow().filter(
      (one) => this.#dueMs(one) <= nowMs && one.tries >= datagramLimits.tries,
    )) {
      this.#giveUp(late)
    }
    const datagrams: { parts: Part[]; tries: number; bytes: number }[] = []
    for (const one of this.#inWindow().filter((candidate) => this.#dueMs(candidate) <= nowMs)) {
      one.tries += 1
      if (one.tries === 2) this.#sentAgain += 1
      one.sentMs = nowMs
      const bytes = partBytes(one.part)
      let last = datagrams.at(-1)
      if (last === undefined || last.bytes + bytes > maxBodyBytes) {
        last = { parts: [], tries: 1, bytes: sayPrefixBytes }
        datagrams.push(last)
      }
      last.parts.push(one.part)
      last.tries = Math.max(last.tries, one.tries)
      last.bytes += bytes
    }
    return datagrams
  }

  /** When something is due next; infinity when nothing is under way. */
  get nextDueMs(): number {
    return this.#inWindow().reduce((earliest, one) => Math.min(earliest, this.#dueMs(one)), Number.POSITIVE_INFINITY)
  }

  acknowledge(ack: Ack, nowMs: number): void {
    for (const one of this.#outgoing) {
      const distance = one.part.part - ack.taken - 1
      const held = distance >= 0 && distance < datagramLimits.windowParts && (ack.held & (1 << distance)) !== 0
      if ((distance < 0 || held) && !one.held && one.tries === 1) this.#roundTrip.sample(nowMs - one.sentMs)
      one.held ||= held
    }
    this.settle(ack.taken)
  }

  /** All parts up to `part` are in the room's order. */
  settle(part: number): void {
    this.#taken = Math.max(this.#taken, part)
    while (this.#outgoing[0] !== undefined && this.#outgoing[0].part.part <= part) this.#outgoing.shift()
  }

  /** The text of which `part` is a part, while it is under way. */
  textOf(part: number): string | undefined {
    return this.#outgoing.find((one) => one.part.part === part)?.text
  }

  /** A new session: what was under way may or may not have arrived, so its author is told; what was not yet sent is kept. */
  restart(): void {
    const waiting = this.#outgoing
    const started = new Set(waiting.filter(({ tries }) => tries > 0).map(messageOf))
    this.#outgoing = []
    this.#lastPart = 0
    this.#taken = 0
    const texts = new Map(waiting.map((one) => [messageOf(one), one]))
    for (const [message, { text, part }] of texts) {
      if (started.has(message)) this.#onGivenUp(text)
      else this.add(text, part.acted)
    }
  }

  #giveUp(one: Outgoing): void {
    const message = messageOf(one)
    const before = this.#outgoing.length
    this.#outgoing = this.#outgoing.filter((other) => messageOf(other) !== message)
    if (this.#outgoing.length < before) this.#onGivenUp(one.text)
  }

  #inWindow(): readonly Outgoing[] {
    const end = Math.max(this.#taken, this.lowest - 1) + datagramLimits.windowParts
    return this.#outgoing.slice(0, datagramLimits.windowParts).filter(({ part }) => part.part <= end)
  }

  #dueMs({ tries, sentMs, held }: Outgoing): number {
    if (held) return Number.POSITIVE_INFINITY
    return tries === 0 ? 0 : sentMs + this.#roundTrip.timeoutMs(tries)
  }
}

/** The number of a message's first part names the message. */
function messageOf({ part }: Outgoing): number {
  return part.part - part.index
}

/** Cuts the UTF-8 of a text into parts for one datagram each. At most `datagramTextBytes`, or undefined: that is not sent at all. */
export function textParts(text: string): readonly Buffer[] | undefined {
  const bytes = Buffer.from(text.toWellFormed())
  if (bytes.length > datagramLimits.textBytes) return undefined
  const count = Math.max(1, Math.ceil(bytes.length / datagramLimits.partBytes))
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * datagramLimits.partBytes, (index + 1) * datagramLimits.partBytes),
  )
}
