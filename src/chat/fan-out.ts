import { type Clock, Deadline } from '../base/clock.ts'
import { limits } from '../base/limits.ts'
import type { Delivery } from './backplane.ts'
import type { ChatDialect } from './wire.ts'

/** What the chat needs of a connection. */
export interface Sink {
  readonly dialect: ChatDialect
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
  readonly defer: (callback: () => void) => void
  /** Above it a reader is cut off; bytes. */
  readonly maxQueueBytes?: number
}

/**
 * One thread's connections and their rooms: takes batches from the room's owner and makes one write per connection and
 * turn, the same bytes for everybody who gets the same. A big room is written in slices, so that the loop goes on turning.
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
    this.#maxQueueBytes = options.maxQueueBytes ?? limits.chatSendQueueBytes
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
    const slice = new Deadline(this.#options.clock, limits.chatSliceMs)
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
