import { utf8Text } from './fields.ts'
import { datagramLimits } from './limits.ts'
import type { TextRefusal } from './reasons.ts'
import type { Part } from './session-messages.ts'
import type { TokenBucket } from './token-bucket.ts'

/** A whole message in the order its author typed it. */
export interface TakenMessage {
  readonly parts: readonly Part[]
}

export interface PartRefusal {
  readonly part: number
  readonly reason: TextRefusal
}

/**
 * The relay's end of one member's messages: puts parts into order, joins them, and lets them through at the member's rate. A flood waits
 * here, in a window that the member knows and does not overrun; it is not punished.
 */
export class PartInbox {
  readonly #waiting = new Map<number, Part>()
  readonly #bucket: TokenBucket
  #taken = 0
  #lowest = 1
  #unfinished: Part[] = []
  #refusals: PartRefusal[] = []

  constructor(bucket: TokenBucket) {
    this.#bucket = bucket
  }

  get taken(): number {
    return this.#taken
  }

  /** Bit i: part `taken + 1 + i` waits here. */
  get held(): number {
    let bits = 0
    for (let bit = 0; bit < datagramLimits.windowParts; bit += 1) {
      if (this.#waiting.has(this.#taken + 1 + bit)) bits |= 1 << bit
    }
    return bits
  }

  get refusals(): readonly PartRefusal[] {
    return this.#refusals
  }

  /** Whether something could go on as soon as the rate allows it. */
  get ready(): boolean {
    return this.#waiting.has(this.#taken + 1) || this.#taken + 1 < this.#lowest
  }

  /** Takes a part in; one that is old, known or beyond the window is dropped. */
  add(part: Part): void {
    if (part.part <= this.#taken || part.part > this.#taken + datagramLimits.windowParts) return
    if (part.bytes.length > datagramLimits.partBytes || this.#waiting.has(part.part)) return
    // A copy: the part may wait longer than the datagram that it came in.
    this.#waiting.set(part.part, { ...part, bytes: Buffer.from(part.bytes) })
  }

  /** The author has given up everything before `lowest` that has not come; nothing waits for it any longer. */
  giveUpBefore(lowest: number): void {
    this.#lowest = Math.min(Math.max(this.#lowest, lowest), this.#taken + 1 + datagramLimits.windowParts)
  }

  /** Messages that are whole and within the rate. */
  *take(nowMs: number): Generator<TakenMessage> {
    while (this.ready) {
      const part = this.#waiting.get(this.#taken + 1)
      if (part !== undefined && !this.#bucket.take(nowMs)) return
      this.#taken += 1
      this.#waiting.delete(this.#taken)
      const message = part === undefined ? this.#lose() : this.#join(part)
      if (message !== undefined) yield message
    }
  }

  #lose(): undefined {
    this.#unfinished = []
  }

  #join(part: Part): TakenMessage | undefined {
    const begun = this.#unfinished
    if (part.count < 1 || part.index >= part.count || (part.index > 0 && part.index !== begun.length)) {
      this.#unfinished = []
      return this.#refuse(part, 'bad-parts')
    }
    // Of a message that is too long already only the number of its parts is kept: 255 of them would take 64 times the limit.
    const kept = part.index > 0 && bytesOf(begun) > datagramLimits.textBytes ? { ...part, bytes: nothing } : part
    this.#unfinished = part.index === 0 ? [part] : [...begun, kept]
    if (part.index + 1 < part.count) return undefined
    const parts = this.#unfinished
    this.#unfinished = []
    const problem = textProblem(parts)
    return problem === undefined ? { parts } : this.#refuse(part, problem)
  }

  #refuse(part: Part, reason: TextRefusal): undefined {
    this.#refusals = [...this.#refusals, { part: part.part, reason }].slice(-datagramLimits.windowParts)
  }
}

const nothing = Buffer.alloc(0)

function bytesOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

function textProblem(parts: readonly Part[]): TextRefusal | undefined {
  if (bytesOf(parts) > datagramLimits.textBytes) return 'too-long'
  const text = utf8Text(Buffer.concat(parts.map(({ bytes }) => bytes)))
  if (text === undefined) return 'not-text'
  return text.trim() === '' ? 'empty' : undefined
}
