import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import type { Peer } from '../base/events.ts'
import { openRpc } from '../base/rpc.ts'
import { logLimits } from '../log/limits.ts'
import type { EventLogWriter } from '../log/line-writer.ts'
import type { KeyPair } from '../net/certificate.ts'
import { type BudgetShare, BufferLedger } from './buffer-budget.ts'
import { ClientRunner, type ClientStatus } from './client-runner.ts'
import type { ServeConfig } from './options.ts'
import type { ChannelPorts, ProtocolDefinition } from './protocol.ts'
import type { TransferredSocket } from './socket-transfer.ts'
import { giveBackMemory } from './spare-memory.ts'
import type { tlsEntry } from './tls-entry.ts'

/** A client on its way to the thread that will serve it. */
export interface NewClient {
  readonly id: number
  readonly peer: Peer
  readonly socket: TransferredSocket
}

/** What the listener thread asks of a client thread. */
export type ClientThreadCalls = {
  take(clients: readonly NewClient[]): void
  kick(whom: { readonly id: number; readonly reason: 'kicked' | 'banned' }): boolean
  /** Whoever comes from now on is shown this certificate. */
  useCertificate(pair: KeyPair): void
  status(argument: undefined): ClientStatus[]
  /** Returns when what this thread recorded is in the log. */
  flushLog(argument: undefined): void
  /** Resolves when the last conversation is over and the log has everything of this thread. */
  drain(argument: undefined): Promise<void>
}

/** What a client thread tells the listener thread. */
export type ClientThreadNews = {
  ended(ids: readonly number[]): void
  /** Who is behind a proxy's connection. */
  known(client: { readonly id: number; readonly peer: Peer }): void
  stopRequested(by: string): void
}

export interface ClientThreadData {
  readonly config: ServeConfig
  readonly thread: number
  readonly channels: ChannelPorts
  readonly budget: BudgetShare
}

/** Loaded where it is wanted only: Node's TLS takes as long as all of ours. */
async function loadTls({ certificate }: ServeConfig): Promise<ReturnType<typeof tlsEntry> | undefined> {
  return certificate === undefined ? undefined : (await import('./tls-entry.ts')).tlsEntry(certificate)
}

/** The program of a client thread: conversations in, news out. */
export async function runClientThread(
  port: MessagePort,
  data: ClientThreadData,
  loading: Promise<ProtocolDefinition>,
  log: EventLogWriter,
  clock: Clock,
): Promise<void> {
  const { config, thread, channels, budget } = data
  const [definition, tls] = await Promise.all([loading, loadTls(config)])
  const protocol = await definition.create(config.options, { clock, framing: config.framing, channels })
  let ended: number[] = []

  const runner = new ClientRunner(config, thread, protocol, {
    clock,
    tls: tls?.enter,
    ledger: new BufferLedger(budget),
    giveBackMemory,
    record: (event) => log.record(event),
    known: (id, peer) => rpc.notify('known', { id, peer }),
    ended(id) {
      // One message a turn of the loop, however many connections it closed.
      if (ended.push(id) > 1) return
      setImmediate(() => {
        rpc.notify('ended', ended)
        ended = []
      })
    },
    stopRequested: (by) => rpc.notify('stopRequested', by),
  })

  const rpc = openRpc<ClientThreadNews, ClientThreadCalls>(port, {
    take(clients) {
      for (const { id, peer, socket } of clients) runner.take(id, peer, socket)
    },
    kick: ({ id, reason }) => runner.kick(id, reason),
    useCertificate: (pair) => tls?.use(pair),
    status: () => runner.status(),
    flushLog: () => void log.drain(logLimits.flushMs),
    async drain() {
      await runner.drain()
      log.drain(logLimits.drainMs)
    },
  })
}
