import { scanLimits } from '../limits.ts'
import type { HostAddress } from '../types.ts'

/** One probe, as a thread takes it up. */
export interface ProbeCommand {
  ticket: number
  host: HostAddress
  port: number
  timeoutMs: number
  bannerMs: number
}

/**
 * Probes on their way to the threads, in shared memory: one writer, many readers, each of which claims a chunk with a
 * compare-and-exchange. An entry is written whole before it is published, and not overwritten before it was taken.
 */
export class CommandRing {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  /** The writer's: the address of each host as bytes. */
  readonly #texts = new Map<string, Uint8Array>()
  /** A reader's: hosts by number. */
  readonly #hosts = new Map<number, HostAddress>()

  /** A new ring, or the one in `buffer`. */
  constructor(
    buffer = new SharedArrayBuffer((COMMAND_HEADER_WORDS + scanLimits.commandRingEntries * COMMAND_WORDS) * 4),
  ) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
    this.#bytes = new Uint8Array(buffer)
  }

  /** Entries published and not yet claimed. */
  get backlog(): number {
    return (this.published - this.claimed) | 0
  }

  /** Counts up with every entry published, or claimed; wraps. */
  get published(): number {
    return Atomics.load(this.#words, PUBLISHED)
  }

  get claimed(): number {
    return Atomics.load(this.#words, CLAIMED)
  }

  /** Counts the turns of the scan; a reader says in its result ring up to which one it has taken up all events. */
  get turn(): number {
    return Atomics.load(this.#words, TURN)
  }

  set turn(turn: number) {
    Atomics.store(this.#words, TURN, turn)
  }

  get isClosed(): boolean {
    return Atomics.load(this.#words, CLOSED) === 1
  }

  /** Asks every reader to leave. */
  close(): void {
    Atomics.store(this.#words, CLOSED, 1)
  }

  /** False when the ring is full. `number` is the host's own, for good. */
  push(ticket: number, number: number, host: HostAddress, port: number, timeoutMs: number, bannerMs: number): boolean {
    const published = Atomics.load(this.#words, PUBLISHED)
    if (((published - Atomics.load(this.#words, TAKEN)) | 0) >= scanLimits.commandRingEntries) return false
    const at = entryAt(published)
    const text = this.#text(host.address)
    const words = this.#words
    words[at] = ticket
    words[at + 1] = number
    words[at + 2] = port
    words[at + 3] = timeoutMs
    words[at + 4] = bannerMs
    words[at + 5] = host.family
    words[at + 6] = text.length
    this.#bytes.set(text, (at + TEXT_WORD) * 4)
    Atomics.store(words, PUBLISHED, (published + 1) | 0)
    return true
  }

  /** Claims up to `most` entries and hands each to `take`. */
  claim(most: number, take: (command: ProbeCommand) => void): number {
    for (;;) {
      const claimed = Atomics.load(this.#words, CLAIMED)
      const count = Math.min(most, (Atomics.load(this.#words, PUBLISHED) - claimed) | 0)
      if (count <= 0) return 0
      if (Atomics.compareExchange(this.#words, CLAIMED, claimed, (claimed + count) | 0) !== claimed) continue
      const commands: ProbeCommand[] = []
      for (let entry = 0; entry < count; entry++) commands.push(this.#read(entryAt((claimed + entry) | 0)))
      // The places are free again; readers may finish out of order, so the count alone would not do on a full ring.
      while (Atomics.compareExchange(this.#words, TAKEN, claimed, (claimed + count) | 0) !== claimed);
      for (const command of commands) take(command)
      return count
    }
  }

  #read(at: number): ProbeCommand {
    const words = this.#words
    const host = this.#host(words[at + 1] ?? 0, at)
    const [port = 0, timeoutMs = 0, bannerMs = 0] = words.subarray(at + 2, at + 5)
    return { ticket: words[at] ?? 0, host, port, timeoutMs, bannerMs }
  }

  #host(number: number, at: number): HostAddress {
    let host = this.#hosts.get(number)
    if (host === undefined) {
      const start = (at + TEXT_WORD) * 4
      // A copy: text can't be decoded from shared memory.
      const text = this.#bytes.slice(start, start + (this.#words[at + 6] ?? 0))
      host = { address: Buffer.from(text).toString('latin1'), family: this.#words[at + 5] === 6 ? 6 : 4 }
      if (this.#hosts.size >= scanLimits.cachedHosts) this.#hosts.clear()
      this.#hosts.set(number, host)
    }
    return host
  }

  #text(address: string): Uint8Array {
    let text = this.#texts.get(address)
    if (text === undefined) {
      text = Buffer.from(address, 'latin1').subarray(0, TEXT_BYTES)
      if (this.#texts.size >= scanLimits.cachedHosts) this.#texts.clear()
      this.#texts.set(address, text)
    }
    return text
  }
}

function entryAt(sequence: number): number {
  return COMMAND_HEADER_WORDS + (sequence & (scanLimits.commandRingEntries - 1)) * COMMAND_WORDS
}

/** An IPv6 address with an interface name as its scope takes at most 39 + 1 + 15 characters. */
const TEXT_BYTES = 64
const TEXT_WORD = 7
const COMMAND_WORDS = TEXT_WORD + TEXT_BYTES / 4
const [PUBLISHED, CLAIMED, TAKEN, CLOSED, TURN, COMMAND_HEADER_WORDS] = [0, 1, 2, 3, 4, 16] as const

/**
 * Outcomes on their way back from one thread, in shared memory: one writer, one reader. It has room for every ticket
 * there is, so that it is never full.
 */
export class ResultRing {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #floats: Float32Array
  readonly #entries: number

  /** A new ring for `tickets`, or the one in `buffer`. */
  constructor(tickets: number, buffer = new SharedArrayBuffer((RESULT_HEADER_WORDS + tickets * RESULT_WORDS) * 4)) {
    this.buffer = buffer
    this.#entries = tickets
    this.#words = new Int32Array(buffer)
    this.#floats = new Float32Array(buffer)
  }

  /** The latest turn of the scan (`CommandRing.turn`) before which every outcome of this thread is in the ring; 0 at first. */
  get seenTurn(): number {
    return Atomics.load(this.#words, SEEN)
  }

  set seenTurn(turn: number) {
    Atomics.store(this.#words, SEEN, turn)
  }

  push(ticket: number, outcome: number, rttMs: number): void {
    const written = Atomics.load(this.#words, WRITTEN)
    const at = RESULT_HEADER_WORDS + (written % this.#entries) * RESULT_WORDS
    this.#words[at] = ticket
    this.#words[at + 1] = outcome
    this.#floats[at + 2] = rttMs
    Atomics.store(this.#words, WRITTEN, (written + 1) % (this.#entries * 2))
  }

  /** Hands all that has come to `take`. */
  drain(take: (ticket: number, outcome: number, rttMs: number) => void): number {
    const written = Atomics.load(this.#words, WRITTEN)
    let read = Atomics.load(this.#words, READ)
    let count = 0
    for (; read !== written; count++) {
      const at = RESULT_HEADER_WORDS + (read % this.#entries) * RESULT_WORDS
      const [ticket = 0, outcome = 0] = this.#words.subarray(at, at + 2)
      const rttMs = this.#floats[at + 2] ?? 0
      read = (read + 1) % (this.#entries * 2)
      Atomics.store(this.#words, READ, read)
      take(ticket, outcome, rttMs)
    }
    return count
  }
}

const [WRITTEN, READ, SEEN, RESULT_HEADER_WORDS] = [0, 1, 2, 16] as const
const RESULT_WORDS = 3
