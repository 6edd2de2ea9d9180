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
  constructor(tickets: number, buffer = new SharedArrayBuffer((HEADER_WORDS + tickets * ENTRY_WORDS) * 4)) {
    this.buffer = buffer
    this.#entries = tickets
    this.#words = new Int32Array(buffer)
    this.#floats = new Float32Array(buffer)
  }

  /** Of the commands' writer's turns, the latest by whose time all that had happened is in this ring; 0 at first. */
  get seenTurn(): number {
    return Atomics.load(this.#words, SEEN)
  }

  set seenTurn(turn: number) {
    Atomics.store(this.#words, SEEN, turn)
  }

  push(ticket: number, outcome: number, rttMs: number): void {
    const written = Atomics.load(this.#words, WRITTEN)
    const at = HEADER_WORDS + (written % this.#entries) * ENTRY_WORDS
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
      const at = HEADER_WORDS + (read % this.#entries) * ENTRY_WORDS
      const [ticket = 0, outcome = 0] = this.#words.subarray(at, at + 2)
      const rttMs = this.#floats[at + 2] ?? 0
      read = (read + 1) % (this.#entries * 2)
      Atomics.store(this.#words, READ, read)
      take(ticket, outcome, rttMs)
    }
    return count
  }
}

const [WRITTEN, READ, SEEN, HEADER_WORDS] = [0, 1, 2, 16] as const
const ENTRY_WORDS = 3
