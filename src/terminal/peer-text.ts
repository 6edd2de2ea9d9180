import { StringDecoder } from 'node:string_decoder'
import { printable } from '../base/visible.ts'

/** A peer's stream of text made safe for a terminal, chunk by chunk. Lines stay lines, CR LF becomes LF. */
export class PeerText {
  readonly #decoder = new StringDecoder('utf8')
  #held = ''

  push(chunk: Buffer): string {
    return this.#safe(this.#decoder.write(chunk))
  }

  /** What was held back for its second half. */
  end(): string {
    const last = this.#safe(this.#decoder.end()) + printable(this.#held)
    this.#held = ''
    return last
  }

  #safe(text: string): string {
    const whole = this.#held + text
    // A CR at the end may be the first half of a line's end.
    this.#held = whole.endsWith('\r') ? '\r' : ''
    const lines = whole
      .slice(0, whole.length - this.#held.length)
      .replaceAll('\r\n', '\n')
      .split('\n')
    return lines.map(printable).join('\n')
  }
}
