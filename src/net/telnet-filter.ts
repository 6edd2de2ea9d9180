import { asBuffer } from './codec.ts'

/** Command bytes of RFC 854. */
const IAC = 255
const DONT = 254
const WILL = 251
const SB = 250
const SE = 240

type State = 'data' | 'command' | 'option' | 'subnegotiation' | 'subnegotiation-command'

/**
 * Takes a telnet client's negotiations (RFC 854, RFC 855) out of a text stream: `IAC WILL option`, `IAC SB … IAC SE` and
 * the two-byte commands. An escaped 255 stays as one byte. 255 never occurs in UTF-8, so nobody else is affected.
 */
export class TelnetFilter {
  #state: State = 'data'

  /** The chunk without negotiations; the chunk itself when there are none. */
  strip(chunk: Uint8Array): Buffer {
    const bytes = asBuffer(chunk)
    if (this.#state === 'data' && !bytes.includes(IAC)) return bytes
    const kept = Buffer.allocUnsafe(bytes.length)
    let length = 0
    for (const byte of bytes) {
      if (this.#state === 'data' && byte !== IAC) kept[length++] = byte
      else if (this.#state === 'command' && byte === IAC) {
        kept[length++] = byte
        this.#state = 'data'
      } else this.#state = next(this.#state, byte)
    }
    return kept.subarray(0, length)
  }
}

function next(state: State, byte: number): State {
  switch (state) {
    case 'data':
      return 'command'
    case 'command':
      if (byte === SB) return 'subnegotiation'
      return byte >= WILL && byte <= DONT ? 'option' : 'data'
    case 'option':
      return 'data'
    case 'subnegotiation':
      return byte === IAC ? 'subnegotiation-command' : 'subnegotiation'
    case 'subnegotiation-command':
      return byte === SE ? 'data' : 'subnegotiation'
  }
}
