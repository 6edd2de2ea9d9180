import { serveLimits } from './limits.ts'

/** The budget of a server's client buffers as it goes to a thread: what all threads hold, and what this one does. */
export interface BudgetShare {
  readonly limitBytes: number
  /** Two Int32 each: bytes held, and clients they are held for. */
  readonly all: SharedArrayBuffer
  readonly own: SharedArrayBuffer
}

const heldBytes = 0
const holders = 1

const newCells = (): SharedArrayBuffer => new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)

/**
 * One bound for what a server holds for all of its clients: messages that are not whole or not yet taken, and answers that are
 * not read. The listener thread makes it, and each thread that serves clients gets its share to count in.
 */
export class BufferBudget {
  readonly limitBytes: number
  readonly #all = newCells()

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  /** For one more thread. */
  share(): BudgetShare {
    return { limitBytes: this.limitBytes, all: this.#all, own: newCells() }
  }

  /** A thread has ended, and holds nothing any more, whatever it had counted. */
  end({ own }: BudgetShare): void {
    const [all, gone] = [new Int32Array(this.#all), new Int32Array(own)]
    for (const cell of [heldBytes, holders]) Atomics.sub(all, cell, Atomics.exchange(gone, cell, 0))
  }
}

/**
 * A thread's view of the budget. Up to `line` everybody holds what they need. Above it memory is short: the rest is for
 * all holders in equal parts, so that whoever holds little goes on and whoever holds more waits; and the largest that don't
 * move are cut until `target` is reached, by each thread in proportion to what it holds.
 */
export class BufferLedger {
  readonly limitBytes: number
  readonly #lineBytes: number
  readonly #all: Int32Array
  readonly #own: Int32Array

  constructor({ limitBytes, all, own }: BudgetShare) {
    this.limitBytes = limitBytes
    this.#lineBytes = limitBytes * serveLimits.bufferLine
    this.#all = new Int32Array(all)
    this.#own = new Int32Array(own)
  }

  /** A client of this thread had `before` bytes and has `after` now. */
  change(before: number, after: number): void {
    const more = Math.sign(after) - Math.sign(before)
    for (const cells of [this.#all, this.#own]) {
      Atomics.add(cells, heldBytes, after - before)
      if (more !== 0) Atomics.add(cells, holders, more)
    }
  }

  /** What all threads hold. */
  get usedBytes(): number {
    return Atomics.load(this.#all, heldBytes)
  }

  /** What this thread holds. */
  get ownBytes(): number {
    return Atomics.load(this.#own, heldBytes)
  }

  get isShort(): boolean {
    return Atomics.load(this.#all, heldBytes) > this.#lineBytes
  }

  /** Far from short: there is room for buffers that only make things faster. */
  get isAmple(): boolean {
    return Atomics.load(this.#all, heldBytes) <= this.limitBytes * serveLimits.bufferTarget
  }

  /** Whether a client may hold so much and go on. */
  mayHold(bytes: number): boolean {
    if (!this.isShort) return true
    return bytes <= (this.limitBytes - this.#lineBytes) / Math.max(1, Atomics.load(this.#all, holders))
  }

  /** What this thread is to give back; 0 unless memory is short. */
  get excessBytes(): number {
    const { usedBytes } = this
    if (!this.isShort) return 0
    const excess = usedBytes - this.limitBytes * serveLimits.bufferTarget
    return Math.ceil((excess * this.ownBytes) / usedBytes)
  }
}

/** What is to be known of a client to decide whether it is cut. */
export interface Holder {
  readonly heldBytes: number
  /** Monotonic time of the last byte in either direction. */
  readonly activeMs: number
}

/** Those to cut until `excessBytes` are free: of the ones on which nothing has moved since `sinceMs`, the largest. */
export function largestIdle<H extends Holder>(all: Iterable<H>, excessBytes: number, sinceMs: number): readonly H[] {
  const idle = [...all].filter(({ activeMs }) => activeMs <= sinceMs).sort((a, b) => b.heldBytes - a.heldBytes)
  const chosen: H[] = []
  let freed = 0
  for (const holder of idle) {
    if (freed >= excessBytes) break
    chosen.push(holder)
    freed += holder.heldBytes
  }
  return chosen
}

/** The budget of a server whose process may use so much memory (infinite where nothing bounds it). */
export function bufferBytes(memoryBytes: number): number {
  const part = Math.floor(memoryBytes * serveLimits.bufferPart)
  return Math.max(serveLimits.bufferMinBytes, Math.min(serveLimits.bufferBytes, part))
}
