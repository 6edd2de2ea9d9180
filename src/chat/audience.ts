import type { Delivery } from './backplane.ts'
import type { Connection, Visit } from './member.ts'
import type { ChatMessage, ServerMessage } from './message.ts'
import { Receivers } from './receivers.ts'
import { encode } from './wire.ts'

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
