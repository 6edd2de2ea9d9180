import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import { type SerializedError, serializeError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { openRpc } from '../base/rpc.ts'
import type { StartThread } from '../base/threads.ts'
import { logLimits } from '../log/limits.ts'
import type { EventLogWriter } from '../log/line-writer.ts'
import type { Endpoint } from '../net/address.ts'
import type { KeyPair } from '../net/certificate.ts'
import type { ClientStatus } from './client-runner.ts'
import { Connections, capacity } from './connections.ts'
import { Listener } from './listener.ts'
import type { ServeConfig } from './options.ts'
import type { ChannelPorts, ProtocolDefinition, SharedState } from './protocol.ts'
import { detach } from './socket-transfer.ts'
import { giveBackMemory, SpareMemory } from './spare-memory.ts'
import { type PoolOwner, ThreadPool } from './thread-pool.ts'

export interface ServerStatus {
  readonly endpoint: Required<Endpoint> | undefined
  readonly paused: boolean
  readonly clients: number
  readonly maxClients: number
  readonly connections: number
  readonly threads: number
}

/** What the main thread asks of the listener thread. */
export type ListenerThreadCalls = {
  /** Binds, and starts all else before or after that. Rejects when the server can't start. */
  open(how: { readonly preflightDone: boolean }): Promise<Required<Endpoint>>
  pause(argument: undefined): boolean
  resume(argument: undefined): Promise<boolean>
  kick(id: number): Promise<boolean>
  /** Whoever comes from now on is shown this certificate. */
  useCertificate(pair: KeyPair): void
  clients(argument: undefined): Promise<ClientStatus[]>
  status(argument: undefined): ServerStatus
  /** A command for the protocol's shared state. */
  command(words: readonly string[]): Promise<string>
  /** Resolves when what this thread and those that serve clients recorded is in the log. */
  flushLog(argument: undefined): Promise<void>
  /** Drains: resolves with the number of connections there have been. */
  stop(argument: undefined): Promise<number>
}

/** What the listener thread tells the main thread. */
export type ListenerThreadNews = {
  stopRequested(by: string): void
  /** For whoever started the server, and nobody else: not for the log. */
  announce(sentence: string): void
  /** It can't go on. */
  failed(why: SerializedError): void
}

/** The program of the listener thread: it owns the port, the table of connections and the protocol's shared state. */
export function runListenerThread(
  port: MessagePort,
  given: ServeConfig,
  loading: Promise<ProtocolDefinition>,
  services: {
    readonly log: EventLogWriter
    readonly clock: Clock
    readonly startThread: StartThread
    readonly common: MessagePort | undefined
  },
): void {
  const { log, clock, startThread, common } = services
  let config = given
  const record: EventSink = (event) => log.record(event)
  const bound = capacity(config)
  const connections = new Connections(bound, record, clock)
  const spare = new SpareMemory(clock, giveBackMemory)
  let sharedState: Promise<SharedState> | undefined
  let pool: ThreadPool | undefined
  /** By the shared state, once that is open. */
  let refuses: (address: string) => boolean = () => false

  const announce = (sentence: string): void => rpc.notify('announce', sentence)
  const fail = (error: unknown): void => rpc.notify('failed', serializeError(error))

  const listener = new Listener({
    ...config,
    pingMs: config.pingInterval,
    record,
    accept(socket) {
      const peer = connections.admit(socket)
      if (peer === undefined || pool === undefined) return
      if (refuses(peer.address)) {
        connections.refuse(socket, peer, 'banned')
        return
      }
      const thread = pool.choose()
      if (thread === undefined) {
        connections.refuse(socket, peer, 'thread-cap')
        return
      }
      const id = connections.nextId()
      connections.add(id, peer, thread)
      pool.give(thread, { id, peer, socket: detach(socket) })
    },
  })

  const openState = async (definition: ProtocolDefinition): Promise<SharedState> => {
    const { memoryBytes } = config
    const given = { clock, record, startThread, announce, endConnections, fail, memoryBytes, ...(common && { common }) }
    const opened = (await definition.openSharedState?.(config.options, given)) ?? nothingShared
    refuses = (address) => opened.refuses?.(address) === true
    return opened
  }

  const endBanned = (id: number): void => connections.find(id)?.rpc.notify('kick', { id, reason: 'banned' })

  function endConnections(banned: (address: string) => boolean): void {
    for (const { id, peer } of connections.all()) if (banned(peer.address)) endBanned(id)
  }

  const poolOwner = (state: Promise<SharedState>, { channels = [] }: ProtocolDefinition): PoolOwner => ({
    record,
    log,
    clock,
    startThread,
    channels,
    attach: (ports) => attach(state, ports),
    known(id, peer) {
      connections.know(id, peer)
      if (refuses(peer.address)) endBanned(id)
    },
    ended(ids) {
      spare.note(connections.count, 0)
      for (const id of ids) {
        const thread = connections.remove(id)
        if (thread !== undefined) pool?.release(thread)
      }
      spare.note(connections.count, 0)
    },
    stopRequested: (by) => rpc.notify('stopRequested', by),
    lost(thread, error) {
      const gone = connections.removeOf(thread)
      record({ type: 'thread-died', thread: `client-${thread.index}`, error, clients: gone.length })
      for (const { id, peer } of gone) {
        record({ type: 'disconnected', id, peer, reason: 'fault', received: 0, sent: 0, durationMs: 0 })
      }
    },
  })

  const serve = (definition: ProtocolDefinition): void => {
    sharedState ??= openState(definition)
    sharedState.catch(fail)
    try {
      pool = new ThreadPool(config, poolOwner(sharedState, definition))
    } catch (error) {
      fail(error)
      return
    }
    pool.ready().catch(fail)
  }

  const rpc = openRpc<ListenerThreadNews, ListenerThreadCalls>(port, {
    async open({ preflightDone }) {
      if (bound.clients < config.maxClients) {
        record({
          type: 'limited',
          what: 'clients',
          asked: config.maxClients,
          allowed: bound.clients,
          why: bound.reason,
        })
      }
      const definition = await loading
      if (!preflightDone) sharedState = openState(definition)
      await sharedState
      const endpoint = await listener.open().catch(async (error: unknown) => {
        await (await sharedState)?.close()
        throw error
      })
      record({ type: 'listening', service: config.protocol, ...endpoint, asked: config.port })
      // The answer goes out before threads are started, which takes a while, and long before they are up. Nobody is accepted
      // in this turn of the loop; who connects in the next ones is served as soon as they are.
      setImmediate(serve, definition)
      return endpoint
    },
    pause() {
      const changed = listener.pause()
      if (changed && listener.endpoint !== undefined) record({ type: 'paused', ...listener.endpoint })
      return changed
    },
    async resume() {
      const changed = await listener.resume()
      if (changed && listener.endpoint !== undefined) record({ type: 'resumed', ...listener.endpoint })
      return changed
    },
    async kick(id) {
      return (await connections.find(id)?.rpc.request('kick', { id, reason: 'kicked' })) === true
    },
    useCertificate(certificate) {
      config = { ...config, certificate }
      pool?.useCertificate(certificate)
    },
    clients: async () => (await pool?.status()) ?? [],
    status: () => ({
      endpoint: listener.endpoint,
      paused: listener.paused,
      clients: connections.count,
      maxClients: bound.clients,
      connections: connections.total,
      threads: pool?.size ?? 0,
    }),
    command: async (words) => (await (await sharedState)?.command?.(words)) ?? '',
    async flushLog() {
      await pool?.flushLog()
      log.drain(logLimits.flushMs)
    },
    async stop() {
      listener.pause()
      await pool?.close()
      await (await sharedState?.catch(() => undefined))?.close()
      log.drain(logLimits.drainMs)
      return connections.total
    },
  })
}

/** The state of a protocol without any. */
const nothingShared: SharedState = { attach: () => undefined, close: async () => undefined }

/** Connects a thread with the shared state once that is open, unless the thread has ended by then. */
function attach(state: Promise<SharedState>, ports: ChannelPorts): void {
  const all = Object.values(ports)
  let closed = false
  all[0]?.once('close', () => {
    closed = true
  })
  state.then(
    (opened) => {
      if (!closed) opened.attach(ports)
    },
    // The server ends with the same error.
    () => {
      for (const port of all) port.close()
    },
  )
}
