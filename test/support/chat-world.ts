import type { NetlabEvent } from '../../src/base/events.ts'
import { Chat } from '../../src/chat/chat.ts'
import { isForAccounts, type Request, type RoomRequest } from '../../src/chat/commands.ts'
import type { ChatDialect } from '../../src/chat/encode.ts'
import { type History, noHistory, nothingRemembered, type Remembered } from '../../src/chat/history.ts'
import type { ServerMessage } from '../../src/chat/message.ts'
import { parseLine, parseMessage } from '../../src/chat/parse.ts'
import type { Sink } from '../../src/chat/thread-gateway.ts'
import { Edge } from '../../src/chat/thread-gateway.ts'
import { FrameDecoder } from '../../src/net/frame-codec.ts'
import { VirtualClock } from './virtual-clock.ts'

/** A connection without a socket: remembers what it was sent. */
export class Listener implements Sink {
  readonly dialect: ChatDialect
  readonly received: ServerMessage[] = []
  text = ''
  writes = 0
  queued = 0
  ended: string | undefined
  readonly #decoder = new FrameDecoder()

  constructor(dialect: ChatDialect) {
    this.dialect = dialect
  }

  write(bytes: Uint8Array): number {
    this.writes += 1
    if (this.dialect === 'text') this.text += Buffer.from(bytes).toString()
    else for (const frame of this.#decoder.push(bytes)) this.received.push(JSON.parse(frame.toString()))
    return this.queued
  }

  end(reason: string): void {
    this.ended = reason
  }

  /** Everything of one type that came. */
  of<T extends ServerMessage['type']>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.received.filter((message): message is Extract<ServerMessage, { type: T }> => message.type === type)
  }

  /** What was said, history included, in the order of arrival. */
  said(): string[] {
    return this.messages().map(({ text }) => text)
  }

  messages() {
    return this.received.flatMap((message) =>
      message.type === 'message' ? [message] : message.type === 'history' ? message.messages : [],
    )
  }
}

export interface WorldOptions {
  readonly history?: History
  readonly remembered?: Remembered
  readonly edges?: number
  readonly clock?: VirtualClock
}

/** A whole chat with everything but sockets, threads and time. Nothing happens until `settle`. */
export class ChatWorld {
  readonly clock: VirtualClock
  readonly events: NetlabEvent[] = []
  readonly chat: Chat
  readonly edges: readonly Edge[]
  #deferred: (() => void)[] = []
  #lastId = 0

  constructor(options: WorldOptions = {}) {
    this.clock = options.clock ?? new VirtualClock()
    const defer = (callback: () => void): void => void this.#deferred.push(callback)
    this.chat = new Chat({
      clock: this.clock,
      defer,
      history: options.history ?? noHistory,
      remembered: options.remembered ?? nothingRemembered(1),
      record: (event) => this.events.push(event),
    })
    this.edges = Array.from(
      { length: options.edges ?? 1 },
      () => new Edge({ backplane: this.chat.backplane(), clock: this.clock, defer }),
    )
  }

  /** Runs one turn of the loop; false when nothing was to be done. */
  turn(): boolean {
    const due = this.#deferred
    this.#deferred = []
    for (const callback of due) callback()
    return due.length > 0
  }

  /** Runs until nothing is left to do at this moment, timers that are due included. */
  settle(): void {
    do this.clock.advance(0)
    while (this.turn())
  }

  /** Somebody comes in; `resume` as a client that was here before. */
  come(name: string, options: ComeOptions = {}): Person {
    this.#lastId += 1
    const edge = this.edges[this.#lastId % this.edges.length]
    if (edge === undefined) throw new Error('a world has at least one edge')
    const person = new Person(this, edge, this.#lastId, name, new Listener(options.dialect ?? 'frames'))
    edge.open({ id: person.id, name, operator: options.operator === true, resume: options.resume }, person.listener)
    if (options.settle !== false) this.settle()
    return person
  }
}

interface ComeOptions {
  readonly dialect?: ChatDialect
  readonly operator?: boolean
  readonly resume?: Readonly<Record<string, number>>
  readonly settle?: boolean
}

export class Person {
  readonly #world: ChatWorld
  readonly #edge: Edge
  readonly id: number
  readonly name: string
  readonly listener: Listener

  constructor(world: ChatWorld, edge: Edge, id: number, name: string, listener: Listener) {
    this.#world = world
    this.#edge = edge
    this.id = id
    this.name = name
    this.listener = listener
  }

  /** Asks as a program does, without letting the world go on. */
  ask(message: object): void {
    this.#edge.ask(this.id, forRoom(parseMessage(message)))
  }

  /** Asks as a program does, and lets everything happen. */
  send(message: object): void {
    this.ask(message)
    this.#world.settle()
  }

  /** Types a line, and lets everything happen. */
  type(line: string): void {
    this.#edge.ask(this.id, forRoom(parseLine(line)))
    this.#world.settle()
  }

  /** The connection is gone, without a word. */
  vanish(): void {
    this.#edge.close(this.id)
    this.#world.settle()
  }
}

/** In a world without accounts nothing is asked of them. */
export function forRoom(request: Request): RoomRequest {
  if (isForAccounts(request)) throw new Error(`${request.type} is for the accounts`)
  return request
}
