import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { EventSink, Peer } from '../base/events.ts'
import { plainAddress } from '../net/address.ts'
import { serveLimits } from './limits.ts'
import type { ServeConfig } from './options.ts'
import type { ClientThread } from './thread-pool.ts'

interface Entry {
  readonly peer: Peer
  readonly thread: ClientThread
}

type Refusal = 'max-clients' | 'file-descriptors' | 'thread-cap' | 'banned'

const sentences: Readonly<Record<Refusal, string>> = {
  'max-clients': 'too many clients at the moment, please try again later',
  'file-descriptors': 'this server has no file descriptors left for more clients, please try again later',
  'thread-cap': 'every client of this server gets a thread, and all threads are in use; please try again later',
  banned: 'your address is banned from this server',
}

/** How many connections a server takes, and why no more. */
export interface Capacity {
  readonly clients: number
  readonly reason: Refusal
  /** Refusals at a time that get a sentence; each holds a descriptor for a moment. */
  readonly refusals: number
}

/** The smallest of what was asked for, what the system gives, and what threads cost. */
export function capacity(config: ServeConfig): Capacity {
  // A thread of its own needs an event loop besides the socket: epoll, wake-up and signal descriptors.
  const descriptorsEach = config.threadPerClient ? 1 + serveLimits.threadDescriptors : 1
  const forThreads = config.threadPerClient ? 0 : config.threads * serveLimits.threadDescriptors
  const available = Math.max(
    1,
    Math.floor((config.freeDescriptors - forThreads - serveLimits.reservedDescriptors) / descriptorsEach),
  )
  let result: Capacity = { clients: config.maxClients, reason: 'max-clients', refusals: serveLimits.refusalsAtOnce }
  if (config.threadPerClient && serveLimits.clientThreads < result.clients) {
    result = { clients: serveLimits.clientThreads, reason: 'thread-cap', refusals: serveLimits.refusalsAtOnce }
  }
  if (available < result.clients)
    result = { clients: available, reason: 'file-descriptors', refusals: serveLimits.reservedDescriptors / 2 }
  return result
}

/** Who is connected: the numbers, the count and its bound. Lives in the listener thread. */
export class Connections {
  readonly #capacity: Capacity
  readonly #record: EventSink
  readonly #clock: Clock
  readonly #entries = new Map<number, Entry>()
  #lastId = 0
  #refusals = 0

  constructor(bound: Capacity, record: EventSink, clock: Clock) {
    this.#capacity = bound
    this.#record = record
    this.#clock = clock
  }

  get count(): number {
    return this.#entries.size
  }

  /** Connections there have been. */
  get total(): number {
    return this.#lastId
  }

  /** The peer of a connection that may be served, or `undefined` when it was refused or is gone already. */
  admit(socket: Socket): Peer | undefined {
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined) {
      this.#record({ type: 'gone', id: this.nextId() })
      socket.destroy()
      return undefined
    }
    const peer: Peer = { address: plainAddress(remoteAddress), port: remotePort }
    if (this.#entries.size < this.#capacity.clients) return peer
    this.refuse(socket, peer, this.#capacity.reason)
    return undefined
  }

  nextId(): number {
    return ++this.#lastId
  }

  add(id: number, peer: Peer, thread: ClientThread): void {
    this.#entries.set(id, { peer, thread })
  }

  /** A proxy told who is behind this connection. */
  know(id: number, peer: Peer): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#entries.set(id, { ...entry, peer })
  }

  find(id: number): ClientThread | undefined {
    return this.#entries.get(id)?.thread
  }

  all(): { id: number; peer: Peer }[] {
    return [...this.#entries].map(([id, { peer }]) => ({ id, peer }))
  }

  /** Forgets a connection that is over, and says who served it. */
  remove(id: number): ClientThread | undefined {
    const entry = this.#entries.get(id)
    this.#entries.delete(id)
    return entry?.thread
  }

  /** Forgets all connections of a thread that died. */
  removeOf(thread: ClientThread): { id: number; peer: Peer }[] {
    const gone = [...this.#entries].filter(([, entry]) => entry.thread === thread)
    for (const [id] of gone) this.#entries.delete(id)
    return gone.map(([id, { peer }]) => ({ id, peer }))
  }

  /** A sentence and a close; the sentence must survive what the peer may be sending meanwhile. */
  refuse(socket: Socket, peer: Peer, reason: Refusal): void {
    this.#record({ type: 'refused', peer, reason })
    socket.on('error', () => undefined)
    if (this.#refusals >= this.#capacity.refusals) {
      socket.resetAndDestroy()
      return
    }
    this.#refusals++
    const deadline = this.#clock.after(serveLimits.refusalMs, () => socket.destroy(), { background: true })
    socket.on('close', () => {
      this.#refusals--
      deadline.cancel()
    })
    socket.end(`netlab: ${sentences[reason]}\n`)
    socket.resume()
  }
}
