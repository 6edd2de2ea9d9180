import type { Clock } from '../base/clock.ts'
import type { EventSink } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import { nameKey } from '../text/names.ts'
import type { Delivery, Signal } from './backplane.ts'
import { Audience, Outbox, type Outgoing } from './broadcaster.ts'
import type { History, Remembered } from './history.ts'
import { type HistoryPage, lobby, Refusal, type ServerMessage } from './message.ts'
import { type Connection, Marks, type Member, Room, type Visit } from './room.ts'

export interface HallOptions {
  readonly clock: Clock
  /** Runs the callback at the end of this turn of the event loop (setImmediate). */
  readonly defer: (callback: () => void) => void
  readonly history: History
  readonly remembered: Remembered
  readonly record: EventSink
  readonly send: (edge: number, batch: readonly Delivery[]) => void
}

/** The state of the whole chat, and the few moves that everything else is made of. It has one owner and no threads. */
export class Hall {
  readonly marks: Marks
  readonly history: History
  readonly record: EventSink
  readonly outbox: Outbox
  readonly resends = new ResendMemory(limits.chatDedupeCount, limits.chatDedupeMembers)
  readonly rooms = new Map<string, Room>()
  /** By `nameKey`. */
  readonly members = new Map<string, Member>()
  readonly #clock: Clock
  readonly #audience: Audience
  readonly #untold = new Set<Room>()
  #telling = false
  #nextId: number
  #lastAt = 0
  #unstored = 0

  constructor(options: HallOptions) {
    this.#clock = options.clock
    this.history = options.history
    this.record = options.record
    this.marks = new Marks(options.remembered.marks)
    this.#nextId = options.remembered.nextId
    for (const { from, cid, id, at } of options.remembered.resends) this.resends.add(from, cid, { id, at })
    this.#audience = new Audience(options.send, (message) => this.rooms.get(message.room)?.remember(message))
    this.outbox = new Outbox({
      history: options.history,
      audience: this.#audience,
      defer: options.defer,
      stored: (error, count) => this.#stored(error, count),
    })
  }

  /** The first id that was never handed out. */
  get nextId(): number {
    return this.#nextId
  }

  /** The next place in the one order. */
  next(): { readonly id: number; readonly at: number } {
    this.#lastAt = Math.max(this.#lastAt, this.#clock.now())
    return { id: this.#nextId++, at: this.#lastAt }
  }

  /** The person of this name, if there. */
  member(name: string): Member | undefined {
    return this.members.get(nameKey(name))
  }

  open(edge: number, { connection: id, name, operator, dialect }: Extract<Signal, { type: 'opened' }>): Connection {
    const member = this.member(name) ?? { name, operator: false, away: undefined, connections: new Set() }
    member.operator ||= operator || this.marks.operator(name)
    const connection = {
      id,
      edge,
      dialect,
      member,
      rooms: new Map<string, Visit>(),
      current: undefined,
      closed: false,
      leaving: false,
    }
    member.connections.add(connection)
    this.members.set(nameKey(name), member)
    return connection
  }

  /** The connection is gone or going; nothing reaches it any more except what is already on its way. */
  close(connection: Connection): void {
    for (const name of [...connection.rooms.keys()]) this.leave(connection, name)
    const { member } = connection
    member.connections.delete(connection)
    // Somebody may have come back under the name since.
    if (member.connections.size === 0 && this.member(member.name) === member) this.members.delete(nameKey(member.name))
  }

  /** @throws {Refusal} TOO_MANY rooms */
  enter(connection: Connection, name: string, after?: number): void {
    const room = this.room(name)
    const visit = { over: false }
    connection.rooms.set(name, visit)
    connection.current = name
    if (room.add(connection.member)) this.#tellPresence(room)
    if (room.waiting !== undefined) room.waiting.push({ connection, visit, after })
    else this.outbox.push(this.#entry(room, connection, visit, after))
  }

  /** What is said without a room goes from now on to this one, where the connection is already. */
  turn(connection: Connection, name: string): void {
    const visit = connection.rooms.get(name)
    if (visit === undefined) return
    connection.rooms.delete(name)
    connection.rooms.set(name, visit)
    connection.current = name
    this.reply(connection, this.#joined(this.room(name)))
  }

  leave(connection: Connection, name: string): void {
    const visit = connection.rooms.get(name)
    if (visit === undefined) return
    connection.rooms.delete(name)
    if (connection.current === name) connection.current = [...connection.rooms.keys()].at(-1)
    this.outbox.push({ type: 'leave', connection, room: name, visit })
    const room = this.rooms.get(name)
    if (room === undefined) return
    if (room.remove(connection.member)) this.#tellPresence(room)
    if (room.size === 0) this.rooms.delete(name)
  }

  /**
   * Calls back when all that the connection has asked for is out: what it said is stored, and what it wants to see read. Not
   * at all if it is gone before.
   */
  whenAnswered(connection: Connection, callback: () => void): void {
    const look = (): void => {
      if (connection.closed) return
      if ([...connection.rooms.keys()].every((room) => this.#audience.receives(connection, room))) callback()
      else ask()
    }
    // The history answers in the order of the questions: after this one there is nothing more to come.
    const ask = (): void => this.history.page(lobby, { last: 0 }, look)
    this.outbox.push({ type: 'reached', callback: ask })
  }

  /** Says goodbye to a connection, after all that is on its way to it, and ends it. */
  dismiss(connection: Connection, reason: 'exit' | 'replaced', message: string): void {
    this.close(connection)
    this.reply(connection, { type: 'bye', reason, message })
    this.outbox.push({ type: 'end', connection })
  }

  reply(connection: Connection, message: ServerMessage): void {
    if (connection.answer !== undefined) connection.answer(message)
    else this.outbox.push({ type: 'one', connection, message })
  }

  /** To every connection of a person. */
  tell(member: Member, message: ServerMessage): void {
    for (const connection of member.connections) this.reply(connection, message)
  }

  tellOperators(text: string): void {
    for (const member of this.members.values()) if (member.operator) this.tell(member, { type: 'notice', text })
  }

  /** The room, made when there is none. @throws {Refusal} TOO_MANY */
  room(name: string): Room {
    const known = this.rooms.get(name)
    if (known !== undefined) return known
    if (this.rooms.size >= limits.chatRooms) throw new Refusal('TOO_MANY', 'there are too many rooms already')
    const room = new Room(name)
    this.rooms.set(name, room)
    this.history.page(name, { last: limits.chatRecentCount }, (page) => {
      room.prime(page ?? nothing)
      const waiting = room.waiting ?? []
      room.waiting = undefined
      this.outbox.pushNow(waiting.map(({ connection, visit, after }) => this.#entry(room, connection, visit, after)))
    })
    return room
  }

  /** The moment of entering, with what is then to be seen; until then the room goes on. */
  #entry(room: Room, connection: Connection, visit: Visit, after: number | undefined): Outgoing {
    const enter = { type: 'enter', connection, room: room.name, visit } as const
    const messages = (): readonly ServerMessage[] | undefined => {
      const page = room.backlog(after)
      if (page !== undefined || after === undefined) return this.#welcome(room, page ?? nothing, after)
      this.history.page(room.name, { after }, (read) => {
        this.outbox.pushNow([{ ...enter, messages: () => this.#welcome(room, read ?? nothing, after) }])
      })
      return undefined
    }
    return { ...enter, messages }
  }

  /** Who comes back hears of the history even when nothing was missed, to know that it has everything. */
  #welcome(room: Room, page: HistoryPage, after: number | undefined): readonly ServerMessage[] {
    const joined = this.#joined(room)
    const silent = page.messages.length === 0 && after === undefined
    return silent ? [joined] : [joined, { type: 'history', room: room.name, ...page }]
  }

  #joined({ name, size }: Room): ServerMessage {
    return { type: 'joined', room: name, topic: this.marks.topic(name), members: size }
  }

  /** Comings and goings are told together after a while, and those that cancel each other out not at all. */
  #tellPresence(room: Room): void {
    this.#untold.add(room)
    if (this.#telling) return
    this.#telling = true
    const tell = (): void => {
      this.#telling = false
      for (const untold of this.#untold) {
        const message = untold.presence()
        if (message !== undefined) this.outbox.push({ type: 'room', room: untold.name, message })
      }
      this.#untold.clear()
    }
    this.#clock.after(limits.chatPresenceMs, tell, { background: true })
  }

  #stored(error: string | undefined, count: number): void {
    if (error !== undefined) {
      if (this.#unstored === 0) {
        this.record({ type: 'history-failed', error })
        this.tellOperators(`the history cannot be written (${error}); the chat goes on without it`)
      }
      this.#unstored += count
    } else if (this.#unstored > 0) {
      this.record({ type: 'history-resumed', unstored: this.#unstored })
      this.tellOperators(`the history is written again; ${this.#unstored} messages are not in it`)
      this.#unstored = 0
    }
  }
}

const nothing: HistoryPage = { messages: [], more: false }

/** What was made of a message that its client gave an id. */
export interface Taken {
  readonly id: number
  readonly at: number
}

/**
 * Remembers the latest client message ids of each member, so that a message sent again after a dropped line is answered
 * with what it became and not said twice. Bounded per member and by members; the least recently heard is forgotten first.
 */
export class ResendMemory {
  readonly #perMember: number
  readonly #members: number
  readonly #taken = new Map<string, Map<string, Taken>>()

  constructor(perMember: number, members: number) {
    this.#perMember = perMember
    this.#members = members
  }

  find(name: string, cid: string): Taken | undefined {
    return this.#taken.get(name)?.get(cid)
  }

  add(name: string, cid: string, taken: Taken): void {
    const known = this.#taken.get(name)
    const ids = known ?? new Map<string, Taken>()
    // A Map keeps the order of insertion: putting a member in again makes it the latest.
    if (known !== undefined) this.#taken.delete(name)
    this.#taken.set(name, ids)
    ids.set(cid, taken)
    if (ids.size > this.#perMember) dropFirst(ids)
    if (this.#taken.size > this.#members) dropFirst(this.#taken)
  }
}

function dropFirst<K>(map: Map<K, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
