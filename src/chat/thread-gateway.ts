import { type Clock, Deadline } from '../base/clock.ts'
import type { Dialect } from '../net/dialect.ts'
import type { Backplane, Delivery, Signal } from './backplane.ts'
import type { RoomRequest } from './commands.ts'
import { encode } from './encode.ts'
import { chatLimits } from './limits.ts'
import type { ByeReason, ChatServerMessage, Ref } from './message.ts'

/** Runs the callback a little later. */
export type Defer = (callback: () => void) => void

/** A client that enters the chat. */
export interface EnteredClient {
  /** Unique within the server. */
  readonly id: number
  readonly name: string
  /** The account's id. */
  readonly account: string
  readonly address: string
  /** Rooms with the last message id seen in each, of a client that was here before. */
  readonly resume?: Readonly<Record<string, number>> | undefined
  /** The one whose ids they are, if the client knows. */
  readonly epoch?: string | undefined
  readonly ref?: Ref | undefined
}

export interface ThreadGatewayOptions extends FanOutOptions {
  readonly backplane: Backplane
  /** When signals are handed over; without it at the end of the turn. */
  readonly deferSignals?: Defer
}

/**
 * The chat as one thread's connections see it. What they ask within a short while goes to the owner of
 * the state in one batch; what comes back is fanned out.
 */
export class ThreadGateway {
  readonly #options: ThreadGatewayOptions
  readonly #fanOut: FanOut
  #signals: Signal[] = []

  constructor(options: ThreadGatewayOptions) {
    this.#options = options
    this.#fanOut = new FanOut(options)
    options.backplane.subscribe((batch) => this.#fanOut.deliver(batch))
  }

  open({ id, ...client }: EnteredClient, sink: Sink): void {
    this.#fanOut.open(id, sink)
    this.#signal({ type: 'opened', connection: id, ...client, dialect: sink.dialect })
  }

  ask(id: number, request: RoomRequest): void {
    this.#signal({ type: 'asked', connection: id, request })
  }

  /** The peer sends no more. */
  finish(id: number, why: ByeReason, message: string): void {
    this.#signal({ type: 'finished', connection: id, why, message })
  }

  /** Straight to one connection: what its own thread can answer, such as a line that can't be read. */
  answer(id: number, sink: Sink, message: ChatServerMessage): void {
    this.#fanOut.send(id, encode([message], sink.dialect))
  }

  close(id: number): void {
    this.#fanOut.close(id)
    this.#signal({ type: 'closed', connection: id })
  }

  #signal(signal: Signal): void {
    this.#signals.push(signal)
    if (this.#signals.length > 1) return
    const defer = this.#options.deferSignals ?? this.#options.defer
    defer(() => {
      const signals = this.#signals
      this.#signals = []
      this.#options.backplane.publish(signals)
    })
  }
}

/** What the chat needs of a connection. */
export interface Sink {
  readonly dialect: Dialect
  /** Sends finished bytes; returns how many the peer has not taken yet. */
  write(bytes: Uint8Array): number
  /** The chat is done with it: send what is queued, then close. `slow-reader` closes at once. */
  end(reason: 'exit' | 'slow-reader'): void
}

interface Receiver {
  readonly id: number
  readonly sink: Sink
  readonly rooms: Set<string>
  /** To be written with the next flush, in order. */
  pending: Uint8Array[]
  ending: boolean
}

export interface FanOutOptions {
  readonly clock: Clock
  readonly defer: Defer
  /** Above it a reader is cut off; bytes. */
  readonly maxQueueBytes?: number
}

/**
 * One thread's connections and their rooms: takes batches from the owner of the state and makes one write per connection
 * and turn, the same bytes for everybody who gets the same. A big room is written in slices, so that the loop goes on turning.
 */
export class FanOut {
  readonly #options: FanOutOptions
  readonly #maxQueueBytes: number
  readonly #receivers = new Map<number, Receiver>()
  readonly #rooms = new Map<string, Set<Receiver>>()
  #unwritten: Receiver[] = []
  #at = 0
  #flushing = false
  #joined: { readonly parts: readonly Uint8Array[]; readonly bytes: Uint8Array } = { parts: [], bytes: Buffer.alloc(0) }

  constructor(options: FanOutOptions) {
    this.#options = options
    this.#maxQueueBytes = options.maxQueueBytes ?? chatLimits.sendQueueBytes
  }

  open(id: number, sink: Sink): void {
    this.#receivers.set(id, { id, sink, rooms: new Set(), pending: [], ending: false })
  }

  close(id: number): void {
    const receiver = this.#receivers.get(id)
    if (receiver === undefined) return
    this.#receivers.delete(id)
    for (const room of receiver.rooms) this.#leave(receiver, room)
    receiver.pending = []
  }

  deliver(batch: readonly Delivery[]): void {
    for (const delivery of batch) {
      if (delivery.type === 'room') {
        for (const receiver of this.#rooms.get(delivery.room) ?? []) {
          const bytes = receiver.sink.dialect === 'frames' ? delivery.frames : delivery.text
          if (bytes !== undefined) this.#queue(receiver, bytes)
        }
      } else {
        const receiver = this.#receivers.get(delivery.connection)
        if (receiver !== undefined) this.#single(receiver, delivery)
      }
    }
  }

  /** To one connection, in order with everything else. */
  send(id: number, bytes: Uint8Array): void {
    const receiver = this.#receivers.get(id)
    if (receiver !== undefined) this.#queue(receiver, bytes)
  }

  #single(receiver: Receiver, delivery: Exclude<Delivery, { type: 'room' }>): void {
    switch (delivery.type) {
      case 'one':
        this.#queue(receiver, delivery.bytes)
        return
      case 'enter': {
        this.#queue(receiver, delivery.bytes)
        const room = this.#rooms.get(delivery.room) ?? new Set()
        room.add(receiver)
        receiver.rooms.add(delivery.room)
        this.#rooms.set(delivery.room, room)
        return
      }
      case 'leave':
        this.#leave(receiver, delivery.room)
        return
      case 'end':
        receiver.ending = true
        this.#schedule(receiver)
    }
  }

  #leave(receiver: Receiver, name: string): void {
    receiver.rooms.delete(name)
    const room = this.#rooms.get(name)
    room?.delete(receiver)
    if (room?.size === 0) this.#rooms.delete(name)
  }

  #queue(receiver: Receiver, bytes: Uint8Array): void {
    if (receiver.pending.length === 0) this.#schedule(receiver)
    receiver.pending.push(bytes)
  }

  #schedule(receiver: Receiver): void {
    this.#unwritten.push(receiver)
    if (this.#flushing) return
    this.#flushing = true
    this.#options.defer(() => this.#flush())
  }

  /** Writes until its slice of time is used up, and leaves the rest for the next turn of the loop. */
  #flush(): void {
    const slice = new Deadline(this.#options.clock, chatLimits.sliceMs)
    // Those that are queued meanwhile have their turn later, or a member who answers each line would hold the loop.
    const end = this.#unwritten.length
    while (this.#at < end) {
      const receiver = this.#unwritten[this.#at++]
      if (receiver !== undefined) this.#write(receiver)
      if (this.#at % 16 === 0 && slice.passed) break
    }
    this.#unwritten = this.#unwritten.slice(this.#at)
    this.#at = 0
    if (this.#unwritten.length > 0) this.#options.defer(() => this.#flush())
    else this.#flushing = false
  }

  #write(receiver: Receiver): void {
    const { pending, sink } = receiver
    if (pending.length > 0) {
      receiver.pending = []
      if (sink.write(this.#join(pending)) > this.#maxQueueBytes) {
        this.close(receiver.id)
        sink.end('slow-reader')
        return
      }
    }
    if (receiver.ending && this.#receivers.get(receiver.id) === receiver) {
      this.close(receiver.id)
      sink.end('exit')
    }
  }

  /** The parts in one piece; neighbours in a room mostly have the same parts, and then get the same piece. */
  #join(parts: readonly Uint8Array[]): Uint8Array {
    const [first] = parts
    if (first !== undefined && parts.length === 1) return first
    const known = this.#joined
    if (known.parts.length !== parts.length || !parts.every((part, index) => part === known.parts[index]))
      this.#joined = { parts, bytes: Buffer.concat(parts) }
    return this.#joined.bytes
  }
}

/**
 * Defers to the end of the turn of the event loop when the last callback was run at least `gapMs` ago, and by `gapMs`
 * otherwise. On a quiet server nothing waits; on a busy one what would have gone piece by piece gathers, and a wake-up
 * of another thread or a system call is paid once for all of it.
 */
export function debounced(defer: Defer, clock: Clock, gapMs: number): Defer {
  let lastMs = Number.NEGATIVE_INFINITY
  return (callback) => {
    const run = (): void => {
      callback()
      lastMs = clock.monotonic()
    }
    if (clock.monotonic() - lastMs >= gapMs) defer(run)
    else clock.after(gapMs, run, { background: true })
  }
}
