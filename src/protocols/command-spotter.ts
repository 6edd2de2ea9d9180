import { sniffDialect } from '../net/dialect.ts'
import { ForeignProtocolWatch } from '../net/foreign-protocol.ts'
import { FrameHeaderReader, frameTooLong } from '../net/frame-codec.ts'

export type SpottedCommand = 'exit' | 'stop'

/** A command that ends at byte `end` of the chunk. */
export interface Spotted {
  readonly command: SpottedCommand
  readonly end: number
}

const newline = 0x0a
const carriageReturn = 0x0d
/** The longest command line without its newline: `exit\r`. */
const longestLine = 5
/** `stop` first: it may be refused and come again and again, and then nothing behind it must have been looked at. */
const needles: readonly (readonly [command: SpottedCommand, needle: Buffer])[] = [
  ['stop', Buffer.from('\nstop')],
  ['exit', Buffer.from('\nexit')],
]

function commandOf(text: string): SpottedCommand | undefined {
  const word = text.replace(/\r?\n?$/, '')
  return word === 'exit' || word === 'stop' ? word : undefined
}

/**
 * Watches a stream of bytes for `exit` and `stop`, as a line or as the payload of a length-prefixed frame, without
 * changing or keeping the bytes. `auto` takes a first byte of zero for frames; what then turns out not to be frames is
 * plain bytes from there on. A command that comes after words of another protocol is found too; whether it is meant is for
 * the caller, who finds them in `foreign`.
 */
export class CommandSpotter {
  readonly #strict: boolean
  readonly #maxFrameBytes: number
  #dialect: 'frames' | 'text' | 'bytes' | undefined
  /** The unfinished line, or `undefined` when it is too long to become a command. */
  #line: string | undefined = ''
  readonly #header = new FrameHeaderReader()
  #bodyLeft = 0
  #body = ''
  #bodyWanted = false
  readonly #watch = new ForeignProtocolWatch()

  constructor(framing: 'auto' | 'frames' | 'text', maxFrameBytes: number) {
    this.#strict = framing === 'frames'
    this.#maxFrameBytes = maxFrameBytes
    if (framing !== 'auto') this.#dialect = framing
  }

  /** How an answer of ours should look. */
  get dialect(): 'frames' | 'text' {
    return this.#dialect === 'frames' ? 'frames' : 'text'
  }

  /** What the bytes up to the last command, or all of them, looked like besides ours: "an HTTP request". */
  get foreign(): string | undefined {
    return this.#watch.found
  }

  /**
   * The first command in `chunk`; call again with what follows it.
   * @throws {ProtocolError} FRAME_TOO_LONG, only when frames were demanded.
   */
  push(chunk: Buffer): Spotted | undefined {
    this.#dialect ??= sniffDialect(chunk[0]) === 'frames' ? 'frames' : 'text'
    if (this.#dialect === 'frames') return this.#pushFrames(chunk)
    if (this.#dialect !== 'text') return undefined
    const found = this.#pushText(chunk)
    const said = found === undefined ? chunk : chunk.subarray(0, found.end)
    this.#watch.lines(said)
    if (found !== undefined) this.#watch.latest(said)
    return found
  }

  /** The command that the stream ended with, its newline missing. */
  end(): SpottedCommand | undefined {
    return this.#dialect === 'text' && this.#line !== undefined ? commandOf(this.#line) : undefined
  }

  #pushText(chunk: Buffer): Spotted | undefined {
    const first = chunk.indexOf(newline)
    if (first === -1) {
      this.#line = this.#begun(chunk, chunk.length)
      return undefined
    }
    const begun = this.#begun(chunk, first)
    this.#line = ''
    const command = begun === undefined ? undefined : commandOf(begun)
    if (command !== undefined) return { command, end: first + 1 }
    // Nothing but the line that was begun: the usual case of one line a chunk.
    if (first === chunk.length - 1) return undefined
    const found = firstWholeLine(chunk, first)
    if (found === undefined) this.#line = tail(chunk)
    return found
  }

  /** The line under way with the first `length` bytes of `chunk` added, unless it is too long to become a command. */
  #begun(chunk: Buffer, length: number): string | undefined {
    if (this.#line === undefined || this.#line.length + length > longestLine) return undefined
    return this.#line + chunk.toString('latin1', 0, length)
  }

  #pushFrames(chunk: Buffer): Spotted | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.#bodyLeft === 0) {
        at = this.#header.read(chunk, at)
        if (at === -1 || !this.#beginBody(this.#header.payloadBytes)) return undefined
      } else {
        const end = Math.min(chunk.length, at + this.#bodyLeft)
        if (this.#bodyWanted) this.#body += chunk.toString('latin1', at, end)
        this.#watch.message(chunk.subarray(at, end))
        this.#bodyLeft -= end - at
        at = end
        if (this.#bodyLeft > 0) continue
        this.#watch.messageEnd()
        if (!this.#bodyWanted) continue
        const command = commandOf(this.#body)
        if (command !== undefined) return { command, end: at }
      }
    }
    return undefined
  }

  /** Returns false when this was no frame after all. */
  #beginBody(bytes: number): boolean {
    if (bytes > this.#maxFrameBytes) {
      if (this.#strict) throw frameTooLong(bytes, this.#maxFrameBytes)
      this.#dialect = 'bytes'
      return false
    }
    this.#bodyLeft = bytes
    this.#body = ''
    this.#bodyWanted = bytes <= longestLine + 1
    return true
  }
}

/** The first command after the newline at `from`. */
function firstWholeLine(chunk: Buffer, from: number): Spotted | undefined {
  let found: Spotted | undefined
  for (const [command, needle] of needles) {
    const end = wholeLineEnd(chunk.subarray(0, found?.end), needle, from)
    if (end !== -1) found = { command, end }
  }
  return found
}

/** Where the first whole line that is the needle's word ends; -1 when there is none. */
function wholeLineEnd(chunk: Buffer, needle: Buffer, from: number): number {
  for (let at = chunk.indexOf(needle, from); at !== -1; at = chunk.indexOf(needle, at + 1)) {
    const after = at + needle.length
    if (chunk[after] === newline) return after + 1
    if (chunk[after] === carriageReturn && chunk[after + 1] === newline) return after + 2
  }
  return -1
}

/** What follows the last newline, unless it is too long to become a command. */
function tail(chunk: Buffer): string | undefined {
  for (let at = chunk.length - 1; at >= 0 && at >= chunk.length - longestLine - 1; at--) {
    if (chunk[at] === newline) return chunk.toString('latin1', at + 1)
  }
  return undefined
}
