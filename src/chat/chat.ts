import { MessageChannel } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import { ExitCode, errorMessage, NetlabError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import type { StartThread } from '../base/threads.ts'
import type { Backplane, Delivery, Signal } from './backplane.ts'
import { commandTable, isForAccounts, type RoomRequest } from './commands.ts'
import { renderLines } from './encode.ts'
import { type HistoryStoreOptions, noHistory, nothingRemembered, RemoteHistory } from './history.ts'
import type { HistoryThreadData } from './history-thread.ts'
import { chatLimits } from './limits.ts'
import { ChatRefusal, type ChatServerMessage, lobby } from './message.ts'
import type { OperatorName } from './operators.ts'
import { parseCommand } from './parse.ts'
import { consoleName, handle, refusalOf } from './requests.ts'
import type { ChatConnection } from './room.ts'
import { ChatState, type ChatStateOptions } from './state.ts'

export type ChatOptions = Omit<ChatStateOptions, 'send'>

/** Owns the chat's state: takes signals from every client thread, and gives each its share of the one order. */
export class Chat {
  readonly #state: ChatState
  readonly #connections = new Map<number, ChatConnection>()
  readonly #gateways = new Map<number, (batch: readonly Delivery[]) => void>()
  #lastGateway = 0

  constructor(options: ChatOptions) {
    this.#state = new ChatState({ ...options, send: (gateway, batch) => this.#gateways.get(gateway)?.(batch) })
  }

  /** The first message id that was never handed out; to be kept when the chat ends in peace. */
  get nextId(): number {
    return this.#state.nextId
  }

  /** What whoever starts the server has to know of its operators. */
  get operatorNotices(): readonly string[] {
    return this.#state.claims.notices
  }

  /** A way in for one thread. */
  backplane(): Backplane {
    this.#lastGateway += 1
    const gateway = this.#lastGateway
    return {
      publish: (signals) => {
        for (const signal of signals) this.#take(gateway, signal)
      },
      subscribe: (deliver) => void this.#gateways.set(gateway, deliver),
      close: () => {
        this.#gateways.delete(gateway)
        for (const connection of this.#connections.values())
          if (connection.gateway === gateway) this.#close(connection.id)
      },
    }
  }

  /**
   * A line typed at the server's console, with or without `/`: its answer in lines, empty when there is nothing to say.
   * Undefined when it is no command of the chat. @throws {NetlabError} with the exit code of a negative answer when it is refused
   */
  command(line: string): string | Promise<string> | undefined {
    const bare = line.trim().replace(/^\//, '')
    if (!consoleWords.has(bare.split(/\s/)[0]?.toLowerCase() ?? '')) return undefined
    let answer = ''
    const write = (text: string): void => {
      answer += text
    }
    try {
      const request = parseCommand(bare)
      if (isForAccounts(request)) return undefined
      const later = handle(this.#state, consoleConnection(write), request)
      return later === undefined ? answer.trimEnd() : later.then(() => answer.trimEnd(), negative)
    } catch (error) {
      return negative(error)
    }
  }

  /** An account has another name: its rights, marks and connections stay. */
  rename(account: string, name: string): void {
    this.#state.rename(account, name)
  }

  #take(gateway: number, signal: Signal): void {
    if (signal.type === 'opened') this.#open(gateway, signal)
    else if (signal.type === 'closed') this.#close(signal.connection)
    else if (signal.type === 'finished') {
      const connection = this.#connections.get(signal.connection)
      if (connection !== undefined && !connection.leaving) this.#state.finish(connection, signal.why, signal.message)
    } else {
      const connection = this.#connections.get(signal.connection)
      // It may have quit, or been replaced, while this was on its way.
      if (connection?.member.connections.has(connection) !== true || connection.leaving) return
      this.#carryOut(connection, signal.request)
    }
  }

  #open(gateway: number, signal: Extract<Signal, { type: 'opened' }>): void {
    const connection = this.#state.open(gateway, signal)
    this.#connections.set(signal.connection, connection)
    const [oldest] = connection.member.connections
    if (connection.member.connections.size > chatLimits.connectionsPerMember && oldest !== undefined) {
      this.#state.dismiss(oldest, 'replaced', 'you have connected too many times; this was the oldest')
    }
    const rooms = Object.entries(signal.resume ?? {})
    if (rooms.length === 0) rooms.push([lobby, Number.NaN])
    const known = this.#state.seenHere(signal.resume ?? {}, signal.epoch)
    for (const [room, seen] of rooms) {
      const after = Number.isNaN(seen) ? undefined : (known?.[room] ?? seen)
      this.#carryOut(connection, { type: 'join', room, after, ref: signal.ref }, known !== undefined)
    }
    if (connection.rooms.size === 0)
      this.#state.reply(connection, { type: 'notice', text: 'you are in no room; /join one', ref: signal.ref })
  }

  #close(id: number): void {
    const connection = this.#connections.get(id)
    if (connection === undefined) return
    this.#connections.delete(id)
    connection.closed = true
    this.#state.close(connection)
  }

  #carryOut(connection: ChatConnection, request: RoomRequest, foreign?: boolean): void {
    const refuse = (error: unknown): void => {
      if (!(error instanceof ChatRefusal)) throw error
      this.#state.reply(connection, refusalOf(connection, request, error))
    }
    try {
      handle(this.#state, connection, request, foreign)?.catch(refuse)
    } catch (error) {
      refuse(error)
    }
  }
}

/** @throws {NetlabError} with the exit code of a negative answer for a refusal */
function negative(error: unknown): never {
  if (!(error instanceof ChatRefusal)) throw error
  throw new NetlabError(error.code, ExitCode.negative, error.message)
}

/** The commands that the console takes. */
const consoleWords: ReadonlySet<string> = new Set(
  Object.entries(commandTable).flatMap(([name, spec]) => ('console' in spec ? [name] : [])),
)

/** The console as a member who hears nothing but answers. */
function consoleConnection(write: (text: string) => void): ChatConnection {
  const connections = new Set<ChatConnection>()
  const member = { name: consoleName, account: '', operator: true, away: undefined, connections }
  const answer = (message: ChatServerMessage): void => write(renderLines(message))
  return {
    id: 0,
    gateway: 0,
    address: '',
    dialect: 'text',
    member,
    rooms: new Map(),
    current: lobby,
    closed: false,
    leaving: false,
    answer,
  }
}

export interface StartChatServices {
  readonly clock: Clock
  readonly record: EventSink
  readonly startThread: StartThread
  /** Of `--operators`; once the accounts can be asked. */
  readonly operators: Promise<readonly OperatorName[]>
  readonly lookUp: NonNullable<ChatOptions['lookUp']>
}

export interface RunningChat {
  readonly chat: Chat
  /** Everything said is on disk when this resolves. */
  close(): Promise<void>
}

/**
 * Opens the history in a thread of its own, and the chat over it. Without `store` nothing is kept. The thread starts at once
 * and touches the file when `locked` resolves; what that rejects with, this rejects with. @throws {StorageError}
 */
export async function startChat(
  store: HistoryStoreOptions | undefined,
  { clock, record, startThread, operators, lookUp }: StartChatServices,
  locked: Promise<unknown>,
): Promise<RunningChat> {
  const common = { clock, record, lookUp, defer: (callback: () => void) => void setImmediate(callback) }
  if (store === undefined) {
    await locked
    const chat = new Chat({
      ...common,
      operators: await operators,
      history: noHistory,
      remembered: nothingRemembered(clock.now()),
    })
    return { chat, close: async () => {} }
  }
  const { port1, port2 } = new MessageChannel()
  const data: HistoryThreadData = { role: 'history', port: port2, options: store }
  const worker = startThread('store', { name: 'history', data, transfer: [port2] })
  worker.on('error', (error) => record({ type: 'fault', where: 'history thread', error: errorMessage(error) }))
  // A thread that dies without a word leaves its port open at this end.
  worker.on('exit', () => port1.close())
  const history = new RemoteHistory(port1)
  await locked.catch((error: unknown) => {
    port1.close()
    throw error
  })
  const remembered = await history.open()
  const chat = new Chat({ ...common, operators: await operators, history, remembered })
  const close = async (): Promise<void> => {
    try {
      await history.close(chat.nextId)
    } catch (error) {
      record({ type: 'fault', where: 'history thread', error: errorMessage(error) })
    }
  }
  return { chat, close }
}
