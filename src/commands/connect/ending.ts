import { ExitCode, NetlabError, NetworkError } from '../../base/errors.ts'
import { printable } from '../../base/visible.ts'
import { commandLimits } from '../limits.ts'
import { type ClientResult, endedHere, endedThere, type ServerConnection } from './client.ts'

/** The end of a conversation that was agreed on: the last line, or frame, of an echo is the word that ends it. */
const farewell = /(?:^|\W)(?:exit|stop)\r?\n?$/i

/**
 * What the end of a byte session means: who ended it, whether the server refused to go on, and whether an echo was cut short. It is
 * given all that is sent and received.
 */
export class Ending {
  readonly #connection: ServerConnection
  readonly #echo = new EchoWatch()
  #begun = false
  #held: Buffer | undefined
  /** A refusal that is all the server has said. */
  #refusal: NetworkError | undefined
  /** The end of what was received. */
  #tail = Buffer.alloc(0)
  #isOurs = false

  constructor(connection: ServerConnection) {
    this.#connection = connection
  }

  sent(bytes: Buffer): void {
    this.#echo.sent(bytes)
  }

  /** What can be shown by now: a server's first words are held back while they may be a refusal, which they are when nothing follows. */
  received(chunk: Buffer): readonly Buffer[] {
    this.#echo.received(chunk)
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-commandLimits.lastBytes)]).subarray(
      -commandLimits.lastBytes,
    )
    const held = this.#held
    this.#held = undefined
    this.#refusal = this.#begun ? undefined : this.#connection.refusal(chunk)
    this.#begun = true
    if (held !== undefined) return [held, chunk]
    if (this.#refusal === undefined) return [chunk]
    this.#held = chunk
    return []
  }

  /** We have sent our last byte. */
  endedByUs(): void {
    this.#isOurs = true
  }

  /** Why the connection broke, where the server has said so. */
  get refusal(): NetworkError | undefined {
    return this.#refusal
  }

  /** How the session ended, once the server has. @throws {NetlabError} when it did so against our will. */
  result(): ClientResult {
    if (this.#refusal !== undefined) throw this.#refusal
    const { missing, returned } = this.#echo
    const text = this.#tail.toString('latin1')
    if (missing > 0 && returned > 0 && !farewell.test(text)) {
      const all = returned + missing
      throw new NetworkError(
        'SHORT',
        `the server returned ${returned} of the ${all} bytes that it was sent, and closed`,
        {
          hint: 'its log says why',
        },
      )
    }
    if (this.#isOurs) return { how: endedHere, exit: ExitCode.ok }
    const [, sentence] = /(?:^|\n)(?:\* )?netlab: ([^\n]+?)\r?\n?$/.exec(this.#tail.toString()) ?? []
    if (sentence !== undefined && !this.#echo.isEcho) {
      throw new NetlabError('ENDED', ExitCode.negative, `the server ended the conversation: ${printable(sentence)}`)
    }
    return { how: endedThere, exit: ExitCode.ok }
  }
}

/** Knows whether all that came back is what was sent, and how much of it has not come. */
class EchoWatch {
  /** Sent, and not compared yet: the first of what is missing, as much as is kept. */
  #waiting: Buffer[] = []
  #keeps = true
  missing = 0
  returned = 0
  #isOther = false

  /** Everything received, if anything was, is what was sent. */
  get isEcho(): boolean {
    return !this.#isOther && this.returned > 0
  }

  sent(bytes: Buffer): void {
    if (this.#isOther) return
    this.missing += bytes.length
    // A server that ends drops what it is still sent. Should what is not kept come back all the same, nothing is known any more.
    this.#keeps &&= this.missing <= commandLimits.echoBytes
    if (this.#keeps) this.#waiting.push(bytes)
  }

  received(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0 && !this.#isOther) {
      const next = this.#waiting[0] ?? rest.subarray(0, 0)
      const length = Math.min(next.length, rest.length)
      if (length === 0 || next.compare(rest, 0, length, 0, length) !== 0) {
        this.#giveUp()
        return
      }
      this.returned += length
      this.missing -= length
      rest = rest.subarray(length)
      if (length === next.length) this.#waiting.shift()
      else this.#waiting[0] = next.subarray(length)
    }
  }

  #giveUp(): void {
    this.#isOther = true
    this.#waiting = []
    this.missing = 0
  }
}
