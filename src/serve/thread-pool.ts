import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import { errorMessage, NetlabError } from '../base/errors.ts'
import type { EventSink, Peer } from '../base/events.ts'
import { openRpc, type Rpc } from '../base/rpc.ts'
import type { StartThread, Thread } from '../base/threads.ts'
import { transferOf } from '../log/endpoint.ts'
import type { EventLogWriter } from '../log/line-writer.ts'
import type { KeyPair } from '../net/certificate.ts'
import { BufferBudget, bufferBytes } from './buffer-budget.ts'
import type { ClientStatus } from './client-runner.ts'
import type { ClientThreadCalls, ClientThreadData, ClientThreadNews, NewClient } from './client-thread.ts'
import { serveLimits } from './limits.ts'
import type { ServeConfig } from './options.ts'
import type { ChannelPorts } from './protocol.ts'
import { discard, transferable } from './socket-transfer.ts'

/** What the pool reports to the listener thread. */
export interface PoolOwner {
  readonly record: EventSink
  readonly log: EventLogWriter
  readonly clock: Clock
  readonly startThread: StartThread
  /** Each thread gets one channel of each name to the protocol's shared state… */
  readonly channels: readonly string[]
  /** …which gets the other ends. */
  attach(ports: ChannelPorts): void
  /** A proxy told who is behind this connection. */
  known(id: number, peer: Peer): void
  /** These connections are over. */
  ended(ids: readonly number[]): void
  stopRequested(by: string): void
  /** A thread died of an error of ours, and took these clients along. */
  lost(thread: ClientThread, error: string): void
}

/** One thread that serves clients, seen from the thread that listens. */
export interface ClientThread {
  readonly index: number
  readonly worker: Thread
  readonly rpc: Rpc<ClientThreadCalls>
  /** Connections it serves or is about to. */
  clients: number
  /** Accepted in this turn of the loop, and not yet moved. */
  newClients: NewClient[]
  /** Its end is wanted, not an accident. */
  leaving: boolean
}

/** The threads that serve clients: a fixed number, or one for each client. Sockets are moved to them. */
export class ThreadPool {
  #config: ServeConfig
  readonly #owner: PoolOwner
  readonly #budget: BufferBudget
  readonly #threads = new Set<ClientThread>()
  #nextIndex = 1
  #closed = false

  constructor(config: ServeConfig, owner: PoolOwner) {
    this.#config = config
    this.#owner = owner
    this.#budget = new BufferBudget(config.bufferMemory ?? bufferBytes(config.memoryBytes))
    if (!config.threadPerClient) while (this.#threads.size < config.threads) this.#start()
  }

  /** Resolves when every thread can serve, or the pool was closed meanwhile. Rejects when a thread can't. */
  async ready(): Promise<void> {
    try {
      await Promise.all([...this.#threads].map(({ rpc }) => rpc.request('status', undefined)))
    } catch (error) {
      if (!this.#closed) throw error
    }
  }

  get size(): number {
    return this.#threads.size
  }

  /** The thread for one more connection: one of its own, or the one with the fewest. Undefined when the system gives none. */
  choose(): ClientThread | undefined {
    const idlest = this.#config.threadPerClient ? undefined : this.#idlest()
    return idlest ?? this.#tryToStart()
  }

  /** Gives a new connection to a thread that was chosen for it just now. */
  give(thread: ClientThread, client: NewClient): void {
    thread.clients++
    // Everything accepted in one turn of the loop moves in one message.
    if (thread.newClients.push(client) === 1) setImmediate(() => this.#move(thread))
  }

  /** A connection of this thread is over. */
  release(thread: ClientThread): void {
    thread.clients--
    if (this.#config.threadPerClient) void this.#dismiss(thread)
  }

  /** Threads that run, and those that start from now on, show this certificate to whoever comes. */
  useCertificate(certificate: KeyPair): void {
    this.#config = { ...this.#config, certificate }
    for (const { rpc } of this.#threads) rpc.notify('useCertificate', certificate)
  }

  async status(): Promise<ClientStatus[]> {
    const tables = await Promise.all(
      [...this.#threads].map(({ rpc }) => rpc.request('status', undefined).catch(() => [])),
    )
    return tables.flat().sort((a, b) => a.id - b.id)
  }

  /** Resolves when what all threads recorded is in the log. */
  async flushLog(): Promise<void> {
    await Promise.all([...this.#threads].map(({ rpc }) => rpc.request('flushLog', undefined).catch(() => undefined)))
  }

  /** Ends every conversation and every thread. The threads' own deadline bounds it. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#threads].map((thread) => this.#dismiss(thread)))
  }

  async #dismiss(thread: ClientThread): Promise<void> {
    if (thread.leaving) return
    thread.leaving = true
    this.#move(thread)
    await thread.rpc.request('drain', undefined).catch(() => undefined)
    await thread.worker.terminate()
  }

  #idlest(): ClientThread | undefined {
    let idlest: ClientThread | undefined
    for (const thread of this.#threads) if (idlest === undefined || thread.clients < idlest.clients) idlest = thread
    return idlest
  }

  #move(thread: ClientThread): void {
    const { newClients } = thread
    if (newClients.length === 0) return
    thread.newClients = []
    thread.rpc.notify(
      'take',
      newClients,
      newClients.map(({ socket }) => transferable(socket)),
    )
  }

  /** Not at once: what killed a thread may go on for a while. A client that can't wait for it starts one, too. */
  #refillLater(): void {
    const refill = (): void => {
      if (this.#closed || this.#threads.size >= this.#config.threads) return
      if (this.#tryToStart() === undefined) this.#refillLater()
    }
    this.#owner.clock.after(serveLimits.threadRestartMs, refill, { background: true })
  }

  /** A system that has no more threads to give costs a client, not the server. */
  #tryToStart(): ClientThread | undefined {
    try {
      return this.#start()
    } catch (error) {
      if (error instanceof NetlabError) return undefined
      throw error
    }
  }

  /** @throws {NetlabError} when the system gives no more threads */
  #start(): ClientThread {
    const index = this.#nextIndex++
    const endpoint = this.#owner.log.fork()
    const pairs = this.#owner.channels.map((name) => ({ name, ...new MessageChannel() }))
    this.#owner.attach(Object.fromEntries(pairs.map(({ name, port1 }) => [name, port1])))
    const channels = Object.fromEntries(pairs.map(({ name, port2 }) => [name, port2]))
    const budget = this.#budget.share()
    const data: ClientThreadData = { config: this.#config, thread: index, channels, budget }
    const transfer = [...transferOf(endpoint), ...Object.values(channels)]
    const worker = this.#startWorker(`client-${index}`, { ...data, log: endpoint }, transfer)
    const rpc = openRpc<ClientThreadCalls, ClientThreadNews>(worker, {
      known: ({ id, peer }) => this.#owner.known(id, peer),
      ended: (ids) => this.#owner.ended(ids),
      stopRequested: (by) => this.#owner.stopRequested(by),
    })
    const thread: ClientThread = { index, worker, rpc, clients: 0, newClients: [], leaving: false }
    this.#threads.add(thread)
    let cause = 'it ended by itself'
    worker.on('error', (error) => {
      cause = errorMessage(error)
    })
    worker.on('exit', () => {
      this.#threads.delete(thread)
      this.#budget.end(budget)
      rpc.close(new Error(`a thread that serves clients died: ${cause}`))
      for (const { socket } of thread.newClients.splice(0)) discard(socket)
      if (thread.leaving) return
      this.#owner.lost(thread, cause)
      if (!this.#config.threadPerClient) this.#refillLater()
    })
    return thread
  }

  #startWorker(name: string, data: unknown, transfer: readonly MessagePort[]): Thread {
    try {
      return this.#owner.startThread('client', { name, data, transfer })
    } catch (error) {
      // Their other ends hear of it.
      for (const port of transfer) port.close()
      throw error
    }
  }
}
