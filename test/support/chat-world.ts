import type { NetlabEvent } from '../../src/base/events.ts'
import { Chat } from '../../src/chat/chat.ts'
import { type ChatRequest, isForAccounts, type RoomRequest } from '../../src/chat/commands.ts'
import { type History, noHistory, nothingRemembered, type Remembered } from '../../src/chat/history.ts'
import type { ChatServerMessage } from '../../src/chat/message.ts'
import { parseLine, parseMessage } from '../../src/chat/parse.ts'
import type { Sink } from '../../src/chat/thread-gateway.ts'
import { ThreadGateway } from '../../src/chat/thread-gateway.ts'
import type { Dialect } from '../../src/net/dialect.ts'
import { FrameDecoder } from '../../src/net/frame-codec.ts'
import { whileTrue } from './event-loop.ts'
import { VirtualClock } from './virtual-clock.ts'

/** A connection without a socket: remembers what it was sent. */
export class Listener implements Sink {
  readonly dialect: Dialect
  readonly received: ChatServerMessage[] = []
  text = ''
  writes = 0
  queued = 0
  ended: string | undefined
  readonly #decoder = new FrameDecoder()

  constructor(dialect: Dialect) {
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
  of<T extends ChatServerMessage['type']>(type: T): Extract<ChatServerMessage, { type: T }>[] {
    return this.received.filter((message): message is Extract<ChatServerMessage, { type: T }> => message.type === type)
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
  readonly gateways?: number
  /** Of `--operators`; everybody has an account. */
  readonly operators?: readonly string[]
  /** The same, but nobody had these names at the start. */
  readonly unclaimed?: readonly string[]
  readonly clock?: VirtualClock
  /** Who has an account, but need not be here. */
  readonly registered?: readonly string[]
}

/** The id of the account that has this name first. */
export function accountOf(name: string): string {
  return `id of ${name}`
}

/** A whole chat with everything but sockets, threads and time. Nothing happens until `settle`. */
export class ChatWorld {
  readonly clock: VirtualClock
  readonly events: NetlabEvent[] = []
  readonly chat: Chat
  readonly gateways: readonly ThreadGateway[]
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
      lookUp: async (name) => {
        const found = options.registered?.find((one) => one.toLowerCase() === name.toLowerCase())
        return found === undefined ? undefined : { name: found, account: accountOf(found) }
      },
      operators: [
        ...(options.operators ?? []).map((name) => ({ name, account: accountOf(name) })),
        ...(options.unclaimed ?? []).map((name) => ({ name, account: undefined })),
      ],
    })
    this.gateways = Array.from(
      { length: options.gateways ?? 1 },
      () => new ThreadGateway({ backplane: this.chat.backplane(), clock: this.clock, defer }),
    )
  }

  /** Runs one turn of the loop; false when nothing was to be done. */
  turn(): boolean {
    const due = this.#deferred
    this.#deferred = []
    for (const callback of due) callback()
    return due.length > 0
  }

  /** The same, with what the accounts are asked. */
  async settled(): Promise<void> {
    this.settle()
    await new Promise(setImmediate)
    this.settle()
  }

  /** Runs until nothing is left to do at this moment, timers that are due included. */
  settle(): void {
    whileTrue(() => {
      this.clock.advance(0)
      return this.turn()
    })
  }

  /** Somebody comes in; `resume` as a client that was here before. */
  come(name: string, options: ComeOptions = {}): Person {
    this.#lastId += 1
    const gateway = this.gateways[this.#lastId % this.gateways.length]
    if (gateway === undefined) throw new Error('a world has at least one gateway')
    const person = new Person(this, gateway, this.#lastId, name, new Listener(options.dialect ?? 'frames'))
    const { account = accountOf(name), resume, epoch } = options
    gateway.open({ id: person.id, name, account, address: '192.0.2.1', resume, epoch }, person.listener)
    if (options.settle !== false) this.settle()
    return person
  }
}

interface ComeOptions {
  readonly dialect?: Dialect
  /** Another one than the first that had the name. */
  readonly account?: string
  readonly resume?: Readonly<Record<string, number>>
  readonly epoch?: string
  readonly settle?: boolean
}

export class Person {
  readonly #world: ChatWorld
  readonly #gateway: ThreadGateway
  readonly id: number
  readonly name: string
  readonly listener: Listener

  constructor(world: ChatWorld, gateway: ThreadGateway, id: number, name: string, listener: Listener) {
    this.#world = world
    this.#gateway = gateway
    this.id = id
    this.name = name
    this.listener = listener
  }

  /** Asks as a program does, without letting the world go on. */
  ask(message: object): void {
    this.#gateway.ask(this.id, forRoom(parseMessage(message)))
  }

  /** Asks as a program does, and lets everything happen. */
  send(message: object): void {
    this.ask(message)
    this.#world.settle()
  }

  /** Types a line, and lets everything happen. */
  type(line: string): void {
    this.#gateway.ask(this.id, forRoom(parseLine(line)))
    this.#world.settle()
  }

  /** The connection is gone, without a word. */
  vanish(): void {
    this.#gateway.close(this.id)
    this.#world.settle()
  }
}

/** In a world without accounts nothing is asked of them. */
export function forRoom(request: ChatRequest): RoomRequest {
  if (isForAccounts(request)) throw new Error(`${request.type} is for the accounts`)
  return request
}
