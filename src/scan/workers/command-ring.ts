import type { Target } from '../engines/engine.ts'

/** One probe, as a thread takes it up. */
export interface Command {
  ticket: number
  target: Target
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
  readonly #targets = new Map<number, Target>()

  /** A new ring, or the one in `buffer`. */
  constructor(buffer = new SharedArrayBuffer((HEADER_WORDS + ENTRIES * ENTRY_WORDS) * 4)) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
    this.#bytes = new Uint8Array(buffer)
  }

  /** Published and not yet claimed. */
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

  /** The writer's turn: readers say which one they have seen everything up to. */
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

  /** False when the ring is full. `host` numbers the target, for good. */
  push(ticket: number, host: number, target: Target, port: number, timeoutMs: number, bannerMs: number): boolean {
    const published = Atomics.load(this.#words, PUBLISHED)
    if (((published - Atomics.load(this.#words, TAKEN)) | 0) >= ENTRIES) return false
    const at = entryAt(published)
    const text = this.#text(target.address)
    const words = this.#words
    words[at] = ticket
    words[at + 1] = host
    words[at + 2] = port
    words[at + 3] = timeoutMs
    words[at + 4] = bannerMs
    words[at + 5] = target.family
    words[at + 6] = text.length
    this.#bytes.set(text, (at + TEXT_WORD) * 4)
    Atomics.store(words, PUBLISHED, (published + 1) | 0)
    return true
  }

  /** Claims up to `most` entries and hands each to `take`. */
  claim(most: number, take: (command: Command) => void): number {
    for (;;) {
      const claimed = Atomics.load(this.#words, CLAIMED)
      const count = Math.min(most, (Atomics.load(this.#words, PUBLISHED) - claimed) | 0)
      if (count <= 0) return 0
      if (Atomics.compareExchange(this.#words, CLAIMED, claimed, (claimed + count) | 0) !== claimed) continue
      const commands: Command[] = []
      for (let entry = 0; entry < count; entry++) commands.push(this.#read(entryAt((claimed + entry) | 0)))
      // The places are free again; readers may finish out of order, so the count alone would not do on a full ring.
      while (Atomics.compareExchange(this.#words, TAKEN, claimed, (claimed + count) | 0) !== claimed);
      for (const command of commands) take(command)
      return count
    }
  }

  #read(at: number): Command {
    const words = this.#words
    const target = this.#target(words[at + 1] ?? 0, at)
    const [port = 0, timeoutMs = 0, bannerMs = 0] = words.subarray(at + 2, at + 5)
    return { ticket: words[at] ?? 0, target, port, timeoutMs, bannerMs }
  }

  #target(host: number, at: number): Target {
    let target = this.#targets.get(host)
    if (target === undefined) {
      const start = (at + TEXT_WORD) * 4
      // A copy: text can't be decoded from shared memory.
      const text = this.#bytes.slice(start, start + (this.#words[at + 6] ?? 0))
      target = { address: Buffer.from(text).toString('latin1'), family: this.#words[at + 5] === 6 ? 6 : 4 }
      if (this.#targets.size >= MOST_TARGETS) this.#targets.clear()
      this.#targets.set(host, target)
    }
    return target
  }

  #text(address: string): Uint8Array {
    let text = this.#texts.get(address)
    if (text === undefined) {
      text = Buffer.from(address, 'latin1').subarray(0, TEXT_BYTES)
      if (this.#texts.size >= MOST_TARGETS) this.#texts.clear()
      this.#texts.set(address, text)
    }
    return text
  }
}

function entryAt(sequence: number): number {
  return HEADER_WORDS + (sequence & (ENTRIES - 1)) * ENTRY_WORDS
}

/** A power of two, so that sequence numbers may wrap. */
const ENTRIES = 1024
/** An IPv6 address with an interface name as its scope takes at most 39 + 1 + 15 characters. */
const TEXT_BYTES = 64
const TEXT_WORD = 7
const ENTRY_WORDS = TEXT_WORD + TEXT_BYTES / 4
const [PUBLISHED, CLAIMED, TAKEN, CLOSED, TURN, HEADER_WORDS] = [0, 1, 2, 3, 4, 16] as const
/** More hosts than these are asked in turn, so that none would be met again before it had to make room. */
const MOST_TARGETS = 1024
