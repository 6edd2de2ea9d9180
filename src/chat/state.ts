import type { Clock } from '../base/clock.ts'
import type { EventSink } from '../base/events.ts'
import { skeleton } from '../text/look-alikes.ts'
import { nameKey } from '../text/names.ts'
import type { Delivery, Signal } from './backplane.ts'
import { Broadcaster, CommitQueue, type Dispatch } from './broadcaster.ts'
import type { Epoch, History, ModerationEntry, Remembered } from './history.ts'
import { chatLimits } from './limits.ts'
import { type ByeReason, ChatRefusal, type ChatServerMessage, type HistoryPage, lobby, type Ref } from './message.ts'
import { OperatorClaims, type OperatorName } from './operators.ts'
import { type ChatConnection, type ChatMember, type Membership, ModerationStore, Room } from './room.ts'

export interface ChatStateOptions {
  readonly clock: Clock
  /** Runs the callback at the end of this turn of the event loop (setImmediate). */
  readonly defer: (callback: () => void) => void
  readonly history: History
  readonly remembered: Remembered
  readonly record: EventSink
  /** Of `--operators`. */
  readonly operators?: readonly OperatorName[]
  /** Who has an account of this name, here or not; without it nobody but who is here is known. */
  readonly lookUp?: (name: string) => Promise<Person | undefined>
  readonly send: (gateway: number, batch: readonly Delivery[]) => void
}

/** Somebody who has an account, by the name as it was registered. */
export type Person = Pick<ChatMember, 'name' | 'account'>

/** The state of the whole chat, and the operations that all requests are made of. It has one owner and knows no threads. */
export class ChatState {
  readonly moderation: ModerationStore
  readonly claims: OperatorClaims
  readonly history: History
  readonly record: EventSink
  readonly commits: CommitQueue
  readonly duplicates = new DuplicateFilter(chatLimits.duplicateFilterIds, chatLimits.duplicateFilterMembers)
  readonly rooms = new Map<string, Room>()
  /** The rooms by what their names look like. */
  readonly #looks = new Map<string, string>()
  /** By `nameKey`. */
  readonly members = new Map<string, ChatMember>()
  readonly lookUp: NonNullable<ChatStateOptions['lookUp']>
  readonly #clock: Clock
  readonly #broadcaster: Broadcaster
  /** Rooms with comings and goings that their members have not been told. */
  readonly #untold = new Set<Room>()
  #telling = false
  readonly #epochs: readonly Epoch[]
  /** The first id of this run. */
  readonly #firstId: number
  #nextId: number
  #unstored = 0

  constructor(options: ChatStateOptions) {
    this.#clock = options.clock
    this.history = options.history
    this.record = options.record
    this.lookUp = options.lookUp ?? (async () => undefined)
    this.moderation = new ModerationStore(options.remembered.moderation)
    this.#nextId = options.remembered.nextId
    this.#firstId = this.#nextId
    this.#epochs = options.remembered.epochs
    for (const { from, cid, ...taken } of options.remembered.clientIds) this.duplicates.add(from, cid, taken)
    this.#broadcaster = new Broadcaster(options.send, (message) => this.rooms.get(message.room)?.remember(message))
    this.commits = new CommitQueue({
      history: options.history,
      broadcaster: this.#broadcaster,
      defer: options.defer,
      onStored: (error, count) => this.#onStored(error, count),
    })
    this.claims = new OperatorClaims(options.operators ?? [], this.moderation, (entry) => this.moderate(entry, false))
  }

  /** The first id that was never handed out. */
  get nextId(): number {
    return this.#nextId
  }

  /** The next place in the one order. */
  next(): Sequenced {
    return { id: this.#nextId++, at: this.#clock.now() }
  }

  /** The person of this name, if there. */
  member(name: string): ChatMember | undefined {
    return this.members.get(nameKey(name))
  }

  open(
    gateway: number,
    { connection: id, name, account, address, dialect }: Extract<Signal, { type: 'opened' }>,
  ): ChatConnection {
    const known = this.member(name)
    // Whoever had the name before, and is not quite gone, is somebody else.
    const member: ChatMember =
      known?.account === account ? known : { name, account, operator: false, away: undefined, connections: new Set() }
    member.operator ||= this.claims.has(member) || this.moderation.operator(member)
    const connection = {
      id,
      gateway,
      address,
      dialect,
      member,
      rooms: new Map<string, Membership>(),
      current: undefined,
      closed: false,
      leaving: false,
    }
    member.connections.add(connection)
    this.members.set(nameKey(name), member)
    return connection
  }

  /** An account has another name from now on; what was said under the old one stays so. */
  rename(account: string, name: string): void {
    for (const entry of this.moderation.of(account)) {
      if (entry.kind === 'claim') continue
      this.moderate(entry, true)
      this.moderate({ ...entry, name }, false)
    }
    const member = [...this.members.values()].find((one) => one.account === account)
    if (member === undefined) return
    const old = member.name
    this.members.delete(nameKey(old))
    member.name = name
    this.members.set(nameKey(name), member)
    this.duplicates.rename(old, name)
    for (const room of this.rooms.values()) {
      if (!room.has(member)) continue
      room.rename(old, name)
      this.commits.push({ type: 'room', room: room.name, message: { type: 'renamed', room: room.name, old, name } })
    }
  }

  /** The connection is gone or going; nothing reaches it any more except what is already on its way. */
  close(connection: ChatConnection): void {
    for (const name of [...connection.rooms.keys()]) this.leave(connection, name)
    const { member } = connection
    member.connections.delete(connection)
    // Somebody may have come back under the name since.
    if (member.connections.size === 0 && this.member(member.name) === member) this.members.delete(nameKey(member.name))
  }

  /**
   * What a client that comes back has seen of this history: the last id of each room. An older copy of the history may have been put
   * back meanwhile, or a new one begun; undefined when not. Of a client from an unknown epoch nothing is known, and it gets what was
   * said since this run began. One that names no epoch is believed as long as its ids have been handed out.
   */
  seenHere(resume: Readonly<Record<string, number>>, name: string | undefined): typeof resume | undefined {
    const at = this.#epochs.findIndex((epoch) => epoch.name === name)
    const isUnknown = name !== undefined && at === -1 && this.#epochs.length > 0
    const end = at === -1 ? this.#nextId : (this.#epochs[at + 1]?.start ?? this.#nextId)
    const rooms = Object.entries(resume)
    if (!isUnknown && rooms.every(([, seen]) => seen < end)) return undefined
    const begin = this.#firstId - 1
    return Object.fromEntries(
      rooms.map(([room, seen]) => [
        room,
        at === -1 ? (isUnknown ? begin : Math.min(seen, begin)) : Math.min(seen, end - 1),
      ]),
    )
  }

  /** @param foreign whether `after` was told as another one, in another history @throws {ChatRefusal} TOO_MANY rooms */
  enter(connection: ChatConnection, name: string, after?: number, foreign = false, ref?: Ref): void {
    const room = this.room(name)
    const membership = { over: false, foreign, readUpTo: undefined, ref }
    connection.rooms.set(name, membership)
    connection.current = name
    if (room.add(connection.member)) this.#tellPresence(room)
    if (room.waiting !== undefined) room.waiting.push({ connection, membership, after })
    else this.commits.push(this.#entry(room, connection, membership, after))
  }

  /** Makes a room that the connection is in already its current one: what is said without a room goes there from now on. */
  makeCurrent(connection: ChatConnection, name: string, ref: Ref | undefined): void {
    const membership = connection.rooms.get(name)
    if (membership === undefined) return
    connection.rooms.delete(name)
    connection.rooms.set(name, membership)
    connection.current = name
    this.reply(connection, { ...this.#joined(this.room(name)), ref })
  }

  leave(connection: ChatConnection, name: string): void {
    const membership = connection.rooms.get(name)
    if (membership === undefined) return
    connection.rooms.delete(name)
    if (connection.current === name) connection.current = [...connection.rooms.keys()].at(-1)
    this.commits.push({ type: 'leave', connection, room: name, membership })
    const room = this.rooms.get(name)
    if (room === undefined) return
    if (room.remove(connection.member)) this.#tellPresence(room)
    if (room.size > 0) return
    this.rooms.delete(name)
    this.#looks.delete(skeleton(name))
  }

  /**
   * Calls back when all that the connection has asked for is out: what it said is stored, and what it wants to see is read.
   * Never if the connection closes before.
   */
  whenAnswered(connection: ChatConnection, callback: () => void): void {
    const look = (): void => {
      if (connection.closed) return
      // Who has not read all that it missed enters when it has: nobody waits for that.
      const entered = ([room, { readUpTo }]: readonly [string, Membership]): boolean =>
        readUpTo !== undefined || this.#broadcaster.subscribes(connection, room)
      if ([...connection.rooms].every(entered)) callback()
      else ask()
    }
    // The history answers in the order of the questions: after this one there is nothing more to come.
    const ask = (): void => this.history.page(lobby, { last: 0 }, look)
    this.commits.push({ type: 'reached', callback: ask })
  }

  /** The same when all that it asked is answered; it is not heard any more meanwhile. */
  finish(connection: ChatConnection, reason: ByeReason, message: string, ref?: Ref): void {
    connection.leaving = true
    this.whenAnswered(connection, () => this.dismiss(connection, reason, message, ref))
  }

  /** Says goodbye to a connection, after all that is on its way to it, and ends it. */
  dismiss(connection: ChatConnection, reason: ByeReason, message: string, ref?: Ref): void {
    this.close(connection)
    this.reply(connection, { type: 'bye', reason, message, ref })
    this.commits.push({ type: 'end', connection })
  }

  reply(connection: ChatConnection, message: ChatServerMessage): void {
    if (connection.answer !== undefined) connection.answer(message)
    else this.commits.push({ type: 'one', connection, message })
  }

  /** To every connection of a person. */
  tell(member: ChatMember, message: ChatServerMessage): void {
    for (const connection of member.connections) this.reply(connection, message)
  }

  /** Keeps a decision of an operator, or takes it away. @throws {ChatRefusal} TOO_MANY for one room */
  moderate(entry: ModerationEntry, off: boolean): void {
    this.moderation.set(entry, off)
    this.history.moderate(entry, off, (error) => {
      if (error !== undefined) this.tellOperators(`this is forgotten at the next start, for the disk said ${error}`)
    })
  }

  tellOperators(text: string): void {
    for (const member of this.members.values()) if (member.operator) this.tell(member, { type: 'notice', text })
  }

  /** The room, made when there is none. @throws {ChatRefusal} TOO_MANY, or BAD_ROOM for a name that looks like another room's */
  room(name: string): Room {
    const known = this.rooms.get(name)
    if (known !== undefined) return known
    if (this.rooms.size >= chatLimits.rooms) throw new ChatRefusal('TOO_MANY', 'there are too many rooms already')
    const looks = skeleton(name)
    const alike = looks === skeleton(lobby) ? lobby : this.#looks.get(looks)
    if (alike !== undefined && alike !== name)
      throw new ChatRefusal('BAD_ROOM', `that name looks like #${alike}, which is another room`)
    const room = new Room(name)
    this.rooms.set(name, room)
    this.#looks.set(looks, name)
    this.history.page(name, { last: chatLimits.recentCount }, (page) => {
      room.prime(page ?? nothing)
      const waiting = room.waiting ?? []
      room.waiting = undefined
      this.commits.pushNow(
        waiting.map(({ connection, membership, after }) => this.#entry(room, connection, membership, after)),
      )
    })
    return room
  }

  /** The dispatch with which a connection enters, and what it then sees: made when its turn comes, as the room goes on until then. */
  #entry(room: Room, connection: ChatConnection, membership: Membership, after: number | undefined): Dispatch {
    const enter = { type: 'enter', connection, room: room.name, membership } as const
    const messages = (): readonly ChatServerMessage[] | undefined => {
      const page = room.backlog(after)
      if (page !== undefined || after === undefined) return this.#welcome(room, page ?? nothing, after, membership)
      this.history.page(room.name, { after }, (read) => {
        const welcome = (): readonly ChatServerMessage[] => this.#welcome(room, read ?? nothing, after, membership)
        const last = read?.more === true ? read.messages.at(-1)?.id : undefined
        if (last === undefined) this.commits.pushNow([{ ...enter, messages: welcome }])
        else if (!membership.over && !connection.closed) {
          membership.readUpTo = last
          this.commits.pushNow(welcome().map((message) => ({ type: 'one', connection, message })))
        }
      })
      return undefined
    }
    return { ...enter, messages }
  }

  /** Who comes back hears of the history even when nothing was missed, to know that it has everything. */
  #welcome(
    room: Room,
    page: HistoryPage,
    after: number | undefined,
    { foreign, ref }: Membership,
  ): readonly ChatServerMessage[] {
    const joined = { ...this.#joined(room), ...(foreign && after !== undefined && { known: after }), ref }
    const silent = page.messages.length === 0 && after === undefined
    return silent ? [joined] : [joined, { type: 'history', room: room.name, ...page, ref }]
  }

  /**
   * Answers a page of history that a member asked for. One that has not read all that it missed is in the room, for what is said,
   * once a page without a gap before it is the last: then nothing can be lost between them.
   * @param after where the page begins
   */
  answerPage(connection: ChatConnection, room: string, page: HistoryPage, after: number | undefined, ref?: Ref): void {
    const message = { type: 'history', room, ...page, ref } as const
    const membership = connection.rooms.get(room)
    const upTo = membership?.readUpTo
    if (membership === undefined || upTo === undefined || after === undefined || after > upTo) {
      this.reply(connection, message)
    } else if (page.more) {
      membership.readUpTo = Math.max(upTo, page.messages.at(-1)?.id ?? 0)
      this.reply(connection, message)
    } else {
      membership.readUpTo = undefined
      this.commits.pushNow([{ type: 'enter', connection, room, membership, messages: () => [message] }])
    }
  }

  #joined({ name, size }: Room): Extract<ChatServerMessage, { type: 'joined' }> {
    const epoch = this.#epochs.at(-1)?.name
    const topic = this.moderation.topic(name)
    return { type: 'joined', room: name, topic, members: size, ...(epoch !== undefined && { epoch }) }
  }

  /** Comings and goings are told together after `presenceMs`; those that cancel each other out are not told. */
  #tellPresence(room: Room): void {
    this.#untold.add(room)
    if (this.#telling) return
    this.#telling = true
    const tell = (): void => {
      this.#telling = false
      for (const untold of this.#untold) {
        const message = untold.presence()
        if (message !== undefined) this.commits.push({ type: 'room', room: untold.name, message })
      }
      this.#untold.clear()
    }
    this.#clock.after(chatLimits.presenceMs, tell, { background: true })
  }

  #onStored(error: string | undefined, count: number): void {
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

/** The place of a message in the one order. */
export interface Sequenced {
  readonly id: number
  readonly at: number
}

/** What became of a message that had an id of its client. */
export interface TakenMessage extends Sequenced {
  /** By `fingerprint`, to tell another message under the same id. */
  readonly said: number
}

/**
 * Remembers the latest client message ids of each member, so that a message sent again after a dropped line is answered
 * with what it became and not said twice. Bounded per member and by members; the least recently heard is forgotten first.
 */
export class DuplicateFilter {
  readonly #perMember: number
  readonly #members: number
  readonly #known = new Map<string, Map<string, TakenMessage>>()

  constructor(perMember: number, members: number) {
    this.#perMember = perMember
    this.#members = members
  }

  /** What became of it, if it was said before. @throws {ChatRefusal} CID_REUSED when that was something else */
  find(name: string, cid: string | undefined, said: number): Sequenced | undefined {
    const taken = cid === undefined ? undefined : this.#known.get(name)?.get(cid)
    if (taken === undefined) return undefined
    if (taken.said === said) return { id: taken.id, at: taken.at }
    throw new ChatRefusal('CID_REUSED', 'this "cid" is that of another message of yours')
  }

  rename(old: string, name: string): void {
    const ids = this.#known.get(old)
    if (ids === undefined) return
    this.#known.delete(old)
    this.#known.set(name, ids)
  }

  add(name: string, cid: string, taken: TakenMessage): void {
    const known = this.#known.get(name)
    const ids = known ?? new Map<string, TakenMessage>()
    // A Map keeps the order of insertion: putting a member in again makes it the latest.
    if (known !== undefined) this.#known.delete(name)
    this.#known.set(name, ids)
    ids.set(cid, taken)
    if (ids.size > this.#perMember) dropFirst(ids)
    if (this.#known.size > this.#members) dropFirst(this.#known)
  }
}

function dropFirst<K>(map: Map<K, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
