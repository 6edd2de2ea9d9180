import type { TokenBucket } from '../base/token-bucket.ts'
import { utf8Text } from './fields.ts'
import { datagramLimits } from './limits.ts'
import type { MessageRefusal } from './reasons.ts'
import type { DataAck, Fragment } from './session-messages.ts'

/**
 * The relay's end of one member's messages: puts fragments in order, reassembles messages, and accepts them at the member's rate. A flood
 * waits here, in a window that the member knows and does not overrun; it is not punished.
 */
export class FragmentReceiver {
  readonly #waiting = new Map<number, Fragment>()
  readonly #bucket: TokenBucket
  #accepted = 0
  #lowest = 1
  #unfinished: Fragment[] = []
  #refusals: DataAck['refusals'] = []

  constructor(bucket: TokenBucket) {
    this.#bucket = bucket
  }

  /** All fragments up to this number were accepted, refused, or given up. */
  get accepted(): number {
    return this.#accepted
  }

  /** Bit i: fragment `accepted + 1 + i` waits here. */
  get held(): number {
    let bits = 0
    for (let bit = 0; bit < datagramLimits.windowFragments; bit += 1) {
      if (this.#waiting.has(this.#accepted + 1 + bit)) bits |= 1 << bit
    }
    return bits
  }

  /** The latest refusals; a member that has seen one ignores it. */
  get refusals(): DataAck['refusals'] {
    return this.#refusals
  }

  /** Whether something can be accepted as soon as the rate allows it. */
  get ready(): boolean {
    return this.#waiting.has(this.#accepted + 1) || this.#accepted + 1 < this.#lowest
  }

  /** Adds a fragment; one that is old, known or beyond the window is dropped. */
  add(fragment: Fragment): void {
    const { number, bytes } = fragment
    if (number <= this.#accepted || number > this.#accepted + datagramLimits.windowFragments) return
    if (bytes.length > datagramLimits.fragmentBytes || this.#waiting.has(number)) return
    // A copy: the fragment may wait longer than the datagram that it came in.
    this.#waiting.set(number, { ...fragment, bytes: Buffer.from(bytes) })
  }

  /** The author has given up everything before `lowest` that has not come; nothing waits for it any longer. */
  giveUpBefore(lowest: number): void {
    this.#lowest = Math.min(Math.max(this.#lowest, lowest), this.#accepted + 1 + datagramLimits.windowFragments)
  }

  /** Messages, as their fragments, that are whole and within the rate. */
  *accept(nowMs: number): Generator<readonly Fragment[]> {
    while (this.ready) {
      const fragment = this.#waiting.get(this.#accepted + 1)
      if (fragment !== undefined && !this.#bucket.tryTake(nowMs)) return
      this.#accepted += 1
      this.#waiting.delete(this.#accepted)
      if (fragment === undefined) this.#unfinished = []
      const message = fragment === undefined ? undefined : this.#reassemble(fragment)
      if (message !== undefined) yield message
    }
  }

  #reassemble(fragment: Fragment): readonly Fragment[] | undefined {
    const { number, index, count } = fragment
    const before = this.#unfinished
    if (count < 1 || index >= count || (index > 0 && index !== before.length)) {
      this.#unfinished = []
      return this.#refuse(number, 'bad-fragments')
    }
    // Of a message that is too long already only the number of its fragments is kept: 255 of them would take 60 times the limit.
    const kept = index > 0 && bytesOf(before) > datagramLimits.textBytes ? { ...fragment, bytes: nothing } : fragment
    this.#unfinished = index === 0 ? [fragment] : [...before, kept]
    if (index + 1 < count) return undefined
    const message = this.#unfinished
    this.#unfinished = []
    const refusal = textRefusal(message)
    return refusal === undefined ? message : this.#refuse(number, refusal)
  }

  #refuse(fragment: number, reason: MessageRefusal): undefined {
    this.#refusals = [...this.#refusals, { fragment, reason }].slice(-datagramLimits.windowFragments)
  }
}

const nothing = Buffer.alloc(0)

function bytesOf(fragments: readonly Fragment[]): number {
  return fragments.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

function textRefusal(message: readonly Fragment[]): MessageRefusal | undefined {
  if (bytesOf(message) > datagramLimits.textBytes) return 'too-long'
  const text = utf8Text(Buffer.concat(message.map(({ bytes }) => bytes)))
  if (text === undefined) return 'not-text'
  return text.trim() === '' ? 'empty' : undefined
}
