import type { Delivery } from './backplane.ts'
import { type ChatDialect, dialects, encode } from './encode.ts'
import type { History } from './history.ts'
import type { ChatMessage, ServerMessage } from './message.ts'
import type { Connection, Visit } from './room.ts'

/** What goes out, in order. */
export type Outgoing =
  | { readonly type: 'room'; readonly room: string; readonly message: ServerMessage }
  | { readonly type: 'one'; readonly connection: Connection; readonly message: ServerMessage }
  | {
      readonly type: 'enter'
      readonly connection: Connection
      readonly room: string
      readonly visit: Visit
      /** What it sees first, made in the moment of entering; undefined: it does not enter now after all. */
      readonly messages: () => readonly ServerMessage[] | undefined
    }
  | { readonly type: 'leave'; readonly connection: Connection; readonly room: string; readonly visit: Visit }
  | { readonly type: 'end'; readonly connection: Connection }
  /** Nothing goes out, but everything before it has, and is stored. */
  | { readonly type: 'reached'; readonly callback: () => void }

/**
 * Knows who receives which room, and turns what goes out into one batch per thread: all messages of a room between two
 * arrivals or departures are encoded once per dialect, and only for threads and dialects that are there.
 */
export class Audience {
  readonly #send: (edge: number, batch: readonly Delivery[]) => void
  readonly #released: (message: ChatMessage) => void
  readonly #rooms = new Map<string, Receivers>()

  /** @param released is told of each message when it goes out, in order with arrivals */
  constructor(send: (edge: number, batch: readonly Delivery[]) => void, released: (message: ChatMessage) => void) {
    this.#send = send
    this.#released = released
  }

  receives(connection: Connection, room: string): boolean {
    return this.#rooms.get(room)?.has(connection) === true
  }

  deliver(outgoing: readonly Outgoing[]): void {
    const batches = new Batches()
    const open = new Map<string, ServerMessage[]>()
    for (const item of outgoing) {
      if (item.type === 'room') {
        if (item.message.type === 'message') this.#released(item.message)
        const messages = open.get(item.room)
        if (messages === undefined) open.set(item.room, [item.message])
        else messages.push(item.message)
        continue
      }
      if (item.type === 'reached') {
        item.callback()
        continue
      }
      // Who leaves gets what was said before, and who enters only what is said from now on.
      if (item.type === 'enter' || item.type === 'leave') this.#flush(item.room, open, batches)
      this.#single(item, batches)
    }
    for (const room of [...open.keys()]) this.#flush(room, open, batches)
    for (const [edge, batch] of batches.byEdge) this.#send(edge, batch)
  }

  #single(item: Exclude<Outgoing, { type: 'room' | 'reached' }>, batches: Batches): void {
    const { connection } = item
    const { id, edge, dialect } = connection
    switch (item.type) {
      case 'one':
        if (!connection.closed)
          batches.add(edge, { type: 'one', connection: id, bytes: encode([item.message], dialect) })
        return
      case 'enter': {
        const late = connection.closed || item.visit.over || this.receives(connection, item.room)
        const messages = late ? undefined : item.messages()
        if (messages === undefined) return
        const receivers = this.#rooms.get(item.room) ?? new Receivers()
        receivers.add(connection)
        this.#rooms.set(item.room, receivers)
        batches.add(edge, { type: 'enter', connection: id, room: item.room, bytes: encode(messages, dialect) })
        return
      }
      case 'leave': {
        item.visit.over = true
        const receivers = this.#rooms.get(item.room)
        receivers?.remove(connection)
        if (receivers?.size === 0) this.#rooms.delete(item.room)
        batches.add(edge, { type: 'leave', connection: id, room: item.room })
        return
      }
      case 'end':
        batches.add(edge, { type: 'end', connection: id })
    }
  }

  #flush(room: string, open: Map<string, ServerMessage[]>, batches: Batches): void {
    const messages = open.get(room)
    if (messages === undefined) return
    open.delete(room)
    const receivers = this.#rooms.get(room)
    if (receivers === undefined) return
    const frames = receivers.speak('frames') ? encode(messages, 'frames') : undefined
    const text = receivers.speak('text') ? encode(messages, 'text') : undefined
    for (const [edge, counts] of receivers.edges()) {
      batches.add(edge, {
        type: 'room',
        room,
        ...(frames !== undefined && counts.frames > 0 ? { frames } : {}),
        ...(text !== undefined && counts.text > 0 ? { text } : {}),
      })
    }
  }
}

class Batches {
  readonly byEdge = new Map<number, Delivery[]>()

  add(edge: number, delivery: Delivery): void {
    const batch = this.byEdge.get(edge)
    if (batch === undefined) this.byEdge.set(edge, [delivery])
    else batch.push(delivery)
  }
}

/** Who gets what is said in one room, counted by thread and dialect so that nothing is encoded or sent for nobody. */
export class Receivers {
  readonly #connections = new Set<Connection>()
  readonly #counts = new Map<number, Record<ChatDialect, number>>()

  get size(): number {
    return this.#connections.size
  }

  has(connection: Connection): boolean {
    return this.#connections.has(connection)
  }

  add(connection: Connection): void {
    if (this.#connections.has(connection)) return
    this.#connections.add(connection)
    const counts = this.#counts.get(connection.edge) ?? { frames: 0, text: 0 }
    counts[connection.dialect] += 1
    this.#counts.set(connection.edge, counts)
  }

  remove(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    const counts = this.#counts.get(connection.edge)
    if (counts === undefined) return
    counts[connection.dialect] -= 1
    if (dialects.every((dialect) => counts[dialect] === 0)) this.#counts.delete(connection.edge)
  }

  /** Whether anybody here speaks it. */
  speak(dialect: ChatDialect): boolean {
    for (const counts of this.#counts.values()) if (counts[dialect] > 0) return true
    return false
  }

  /** Threads with receivers, and how many of each dialect. */
  edges(): Iterable<readonly [edge: number, counts: Readonly<Record<ChatDialect, number>>]> {
    return this.#counts
  }
}

export interface OutboxOptions {
  readonly history: History
  readonly audience: Audience
  /** Runs the callback at the end of this turn of the event loop (setImmediate). */
  readonly defer: (callback: () => void) => void
  /** The history took a batch, or said why not. */
  readonly stored: (error: string | undefined, count: number) => void
}

/**
 * Keeps the one order and the promise behind every echo: what goes in comes out in the same order, and no message comes out
 * before the history has it. While one batch is being stored the next one gathers (group commit), so a slow disk makes
 * batches larger, not the queue of commits longer.
 */
export class Outbox {
  readonly #options: OutboxOptions
  #waiting: Outgoing[] = []
  #messages: ChatMessage[] = []
  #deferred = false
  #storing = false

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Messages that are not out yet. */
  get backlog(): number {
    return this.#messages.length
  }

  push(outgoing: Outgoing): void {
    this.#waiting.push(outgoing)
    this.#schedule()
  }

  /** A message that members wait for: stored before anybody sees it. */
  say(message: ChatMessage): void {
    this.#messages.push(message)
    this.push({ type: 'room', room: message.room, message })
  }

  /** Sends at once, before everything that still waits: for an answer of the history, which shows exactly what is out. */
  pushNow(outgoing: readonly Outgoing[]): void {
    this.#options.audience.deliver(outgoing)
  }

  #schedule(): void {
    if (this.#deferred || this.#storing) return
    this.#deferred = true
    this.#options.defer(() => {
      this.#deferred = false
      this.#flush()
    })
  }

  #flush(): void {
    const outgoing = this.#waiting
    const messages = this.#messages
    this.#waiting = []
    this.#messages = []
    if (messages.length === 0) {
      this.#options.audience.deliver(outgoing)
      return
    }
    this.#storing = true
    this.#options.history.append(messages, (error) => {
      this.#storing = false
      this.#options.stored(error, messages.length)
      this.#options.audience.deliver(error === undefined ? outgoing : outgoing.map(markUnstored))
      if (this.#waiting.length > 0) this.#schedule()
    })
  }
}

function markUnstored(outgoing: Outgoing): Outgoing {
  if (outgoing.type !== 'room' || outgoing.message.type !== 'message') return outgoing
  return { ...outgoing, message: { ...outgoing.message, unstored: true } }
}
