import type { Dialect } from '../net/dialect.ts'
import type { Delivery } from './backplane.ts'
import { encode } from './encode.ts'
import type { History } from './history.ts'
import type { ChatMessage, ChatServerMessage } from './message.ts'
import type { ChatConnection, Membership } from './room.ts'

/** Something that goes out; the order of dispatches is the one order that everybody sees. */
export type Dispatch =
  | { readonly type: 'room'; readonly room: string; readonly message: ChatServerMessage }
  | { readonly type: 'one'; readonly connection: ChatConnection; readonly message: ChatServerMessage }
  | {
      readonly type: 'enter'
      readonly connection: ChatConnection
      readonly room: string
      readonly membership: Membership
      /** What it sees first, made in the moment of entering; undefined when the history has to be read first. */
      readonly messages: () => readonly ChatServerMessage[] | undefined
    }
  | {
      readonly type: 'leave'
      readonly connection: ChatConnection
      readonly room: string
      readonly membership: Membership
    }
  | { readonly type: 'end'; readonly connection: ChatConnection }
  /** Nothing goes out. Called when everything before it is out, and stored. */
  | { readonly type: 'reached'; readonly callback: () => void }

/**
 * Knows who subscribes to which room, and makes one batch per client thread of what goes out: all messages of a room between
 * two arrivals or departures are encoded once per dialect, and only for threads and dialects that are there.
 */
export class Broadcaster {
  readonly #send: (gateway: number, batch: readonly Delivery[]) => void
  readonly #onMessage: (message: ChatMessage) => void
  readonly #rooms = new Map<string, Subscribers>()

  /** @param onMessage gets each message when it goes out, in order with arrivals */
  constructor(send: (gateway: number, batch: readonly Delivery[]) => void, onMessage: (message: ChatMessage) => void) {
    this.#send = send
    this.#onMessage = onMessage
  }

  subscribes(connection: ChatConnection, room: string): boolean {
    return this.#rooms.get(room)?.has(connection) === true
  }

  deliver(dispatches: readonly Dispatch[]): void {
    const batches = new Batches()
    const open = new Map<string, ChatServerMessage[]>()
    for (const item of dispatches) {
      if (item.type === 'room') {
        if (item.message.type === 'message') this.#onMessage(item.message)
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
    for (const [gateway, batch] of batches.byGateway) this.#send(gateway, batch)
  }

  #single(item: Exclude<Dispatch, { type: 'room' | 'reached' }>, batches: Batches): void {
    const { connection } = item
    const { id, gateway, dialect } = connection
    switch (item.type) {
      case 'one':
        if (!connection.closed)
          batches.add(gateway, { type: 'one', connection: id, bytes: encode([item.message], dialect) })
        return
      case 'enter': {
        const late = connection.closed || item.membership.over || this.subscribes(connection, item.room)
        const messages = late ? undefined : item.messages()
        if (messages === undefined) return
        const subscribers = this.#rooms.get(item.room) ?? new Subscribers()
        subscribers.add(connection)
        this.#rooms.set(item.room, subscribers)
        batches.add(gateway, { type: 'enter', connection: id, room: item.room, bytes: encode(messages, dialect) })
        return
      }
      case 'leave': {
        item.membership.over = true
        const subscribers = this.#rooms.get(item.room)
        subscribers?.remove(connection)
        if (subscribers?.size === 0) this.#rooms.delete(item.room)
        batches.add(gateway, { type: 'leave', connection: id, room: item.room })
        return
      }
      case 'end':
        batches.add(gateway, { type: 'end', connection: id })
    }
  }

  #flush(room: string, open: Map<string, ChatServerMessage[]>, batches: Batches): void {
    const messages = open.get(room)
    if (messages === undefined) return
    open.delete(room)
    const subscribers = this.#rooms.get(room)
    if (subscribers === undefined) return
    const frames = subscribers.read('frames') ? encode(messages, 'frames') : undefined
    const text = subscribers.read('text') ? encode(messages, 'text') : undefined
    for (const [gateway, counts] of subscribers.gateways()) {
      batches.add(gateway, {
        type: 'room',
        room,
        ...(frames !== undefined && counts.frames > 0 ? { frames } : {}),
        ...(text !== undefined && counts.text > 0 ? { text } : {}),
      })
    }
  }
}

class Batches {
  readonly byGateway = new Map<number, Delivery[]>()

  add(gateway: number, delivery: Delivery): void {
    const batch = this.byGateway.get(gateway)
    if (batch === undefined) this.byGateway.set(gateway, [delivery])
    else batch.push(delivery)
  }
}

/** Who gets what is said in one room, counted by thread and dialect so that nothing is encoded or sent for nobody. */
class Subscribers {
  readonly #connections = new Set<ChatConnection>()
  readonly #counts = new Map<number, Record<Dialect, number>>()

  get size(): number {
    return this.#connections.size
  }

  has(connection: ChatConnection): boolean {
    return this.#connections.has(connection)
  }

  add(connection: ChatConnection): void {
    if (this.#connections.has(connection)) return
    this.#connections.add(connection)
    const counts = this.#counts.get(connection.gateway) ?? { frames: 0, text: 0 }
    counts[connection.dialect] += 1
    this.#counts.set(connection.gateway, counts)
  }

  remove(connection: ChatConnection): void {
    if (!this.#connections.delete(connection)) return
    const counts = this.#counts.get(connection.gateway)
    if (counts === undefined) return
    counts[connection.dialect] -= 1
    if (counts.frames + counts.text === 0) this.#counts.delete(connection.gateway)
  }

  /** Whether anybody reads it. */
  read(dialect: Dialect): boolean {
    for (const counts of this.#counts.values()) if (counts[dialect] > 0) return true
    return false
  }

  /** Threads with subscribers, and how many of each dialect. */
  gateways(): Iterable<readonly [gateway: number, counts: Readonly<Record<Dialect, number>>]> {
    return this.#counts
  }
}

interface CommitQueueOptions {
  readonly history: History
  readonly broadcaster: Broadcaster
  /** Runs the callback at the end of this turn of the event loop (setImmediate). */
  readonly defer: (callback: () => void) => void
  /** The history took a batch, or says why not. */
  readonly onStored: (error: string | undefined, count: number) => void
}

/**
 * Group commit. What goes in comes out in the same order, and no message comes out before the history has it: that is what
 * an echo promises its sender. While one batch is being stored the next one gathers, so a slow disk makes batches larger,
 * not the queue of commits longer.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions
  #waiting: Dispatch[] = []
  #messages: ChatMessage[] = []
  #deferred = false
  #storing = false

  constructor(options: CommitQueueOptions) {
    this.#options = options
  }

  /** Messages that are not out yet. */
  get backlog(): number {
    return this.#messages.length
  }

  push(dispatch: Dispatch): void {
    this.#waiting.push(dispatch)
    this.#schedule()
  }

  /** A message that members wait for: stored before anybody sees it. */
  say(message: ChatMessage): void {
    this.#messages.push(message)
    this.push({ type: 'room', room: message.room, message })
  }

  /** Sends at once, before everything that still waits: for an answer of the history, which shows exactly what is out. */
  pushNow(dispatches: readonly Dispatch[]): void {
    this.#options.broadcaster.deliver(dispatches)
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
    const dispatches = this.#waiting
    const messages = this.#messages
    this.#waiting = []
    this.#messages = []
    if (messages.length === 0) {
      this.#options.broadcaster.deliver(dispatches)
      return
    }
    this.#storing = true
    this.#options.history.append(messages, (error) => {
      this.#storing = false
      this.#options.onStored(error, messages.length)
      this.#options.broadcaster.deliver(error === undefined ? dispatches : dispatches.map(markUnstored))
      if (this.#waiting.length > 0) this.#schedule()
    })
  }
}

function markUnstored(dispatch: Dispatch): Dispatch {
  if (dispatch.type !== 'room' || dispatch.message.type !== 'message') return dispatch
  return { ...dispatch, message: { ...dispatch.message, unstored: true } }
}
