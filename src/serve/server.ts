import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import { errorMessage, restoreError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { openRpc } from '../base/rpc.ts'
import type { StartThread } from '../base/threads.ts'
import { transferOf } from '../log/endpoint.ts'
import type { EventLogWriter } from '../log/line-writer.ts'
import type { Endpoint } from '../net/address.ts'
import type { KeyPair } from '../net/certificate.ts'
import type { ClientStatus } from './client-runner.ts'
import type { ListenerThreadCalls, ListenerThreadNews, ServerStatus } from './listener-thread.ts'
import type { ServeConfig } from './options.ts'

/** A running server, as the main thread and its operator see it. Its traffic happens in other threads. */
export interface Server {
  readonly endpoint: Required<Endpoint>
  pause(): Promise<boolean>
  /** @throws {NetworkError} when somebody else took the port meanwhile. */
  resume(): Promise<boolean>
  kick(id: number): Promise<boolean>
  clients(): Promise<readonly ClientStatus[]>
  /** Whoever comes from now on is shown this certificate; conversations go on. Only for a server with TLS. */
  useCertificate(pair: KeyPair): void
  status(): Promise<ServerStatus & { readonly uptimeMs: number }>
  /** Resolves when what happened until now is in the log. */
  flushLog(): Promise<void>
  /** One of the protocol's own commands, with what follows it. Rejects with a NetlabError for what the operator can mend. */
  command(words: readonly string[]): Promise<string>
  /** Ends every conversation and every thread. Further calls wait for the same end. */
  stop(reason: string): Promise<void>
  /** Somebody asked it to stop. */
  readonly isStopping: boolean
  /** Resolves with the reason once the server has stopped, whoever asked for it. */
  readonly stopped: Promise<string>
}

export interface ServerServices {
  readonly log: EventLogWriter
  readonly clock: Clock
  readonly startThread: StartThread
  readonly version: string
  readonly pid: number
  /** Leads the protocol to what it shares with other services of this process. */
  readonly common?: MessagePort
  /** Shows a sentence to whoever started the server. */
  announce?(sentence: string): void
  /** The protocol's `preflight`, which runs before the port is open. False, or without it: the shared state is opened first. */
  preflight?(): Promise<boolean>
}

/**
 * Starts the listener thread, which starts the others.
 * @throws {NetworkError} when it can't listen; {StorageError} when the log or the protocol's files can't be used.
 */
export async function startServer(config: ServeConfig, services: ServerServices): Promise<Server> {
  const { log, clock, startThread, version, pid, common } = services
  const startedMs = clock.monotonic()
  const record: EventSink = (event) => log.record(event)
  record({ type: 'starting', service: config.protocol, version, pid, threads: config.threads })

  const endpoint = log.fork()
  const worker = startThread('listener', {
    name: 'listener',
    data: { config, log: endpoint, common },
    transfer: [...transferOf(endpoint), ...(common === undefined ? [] : [common])],
  })
  const stopped = Promise.withResolvers<string>()
  let stopping: Promise<void> | undefined

  const rpc = openRpc<ListenerThreadCalls, ListenerThreadNews>(worker, {
    stopRequested(by) {
      record({ type: 'stop-requested', by })
      void stop(`asked by ${by}`)
    },
    announce: (sentence) => services.announce?.(sentence),
    failed(why) {
      // Nobody waits for an orderly end of what is broken.
      void worker.terminate().then(() => die('server', restoreError(why)))
    },
  })
  worker.on('error', (error) => die('listener thread', error))
  // A rejection that nobody waits for must not end the process: the server's end is in the log in any case.
  stopped.promise.catch(() => undefined)

  function die(where: string, error: Error): void {
    record({ type: 'fault', where, error: errorMessage(error) })
    rpc.close(error)
    stopped.reject(error)
  }

  async function stop(reason: string): Promise<void> {
    // What goes wrong rejects `stopped`.
    stopping ??= end(reason).catch((error) => stopped.reject(error))
    await stopping
  }

  async function end(reason: string): Promise<void> {
    const connections = await rpc.request('stop', undefined)
    await worker.terminate()
    const uptimeMs = Math.round(clock.monotonic() - startedMs)
    record({ type: 'stopped', service: config.protocol, reason, connections, uptimeMs })
    stopped.resolve(reason)
  }

  let where: Required<Endpoint>
  try {
    // Here, while the listener's thread starts; and before it has a port that somebody could find open.
    const preflightDone = (await services.preflight?.()) === true
    where = await rpc.request('open', { preflightDone })
  } catch (error) {
    await worker.terminate()
    throw error
  }

  return {
    endpoint: where,
    pause: () => rpc.request('pause', undefined),
    resume: () => rpc.request('resume', undefined),
    kick: (id) => rpc.request('kick', id),
    useCertificate: (pair) => rpc.notify('useCertificate', pair),
    clients: () => rpc.request('clients', undefined),
    status: async () => ({ ...(await rpc.request('status', undefined)), uptimeMs: clock.monotonic() - startedMs }),
    flushLog: () => rpc.request('flushLog', undefined),
    command: (words) => rpc.request('command', words),
    stop,
    get isStopping() {
      return stopping !== undefined
    },
    stopped: stopped.promise,
  }
}
