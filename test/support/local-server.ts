import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { NetlabEvent } from '../../src/base/events.ts'
import { plainAddress } from '../../src/net/address.ts'
import type { KeyPair } from '../../src/net/certificate.ts'
import { BufferBudget, BufferLedger } from '../../src/serve/buffer-budget.ts'
import { ClientRunner } from '../../src/serve/client-runner.ts'
import { serveLimits } from '../../src/serve/limits.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import type { ChannelPorts, Protocol, ProtocolDefinition } from '../../src/serve/protocol.ts'
import { detach } from '../../src/serve/socket-transfer.ts'
import { tlsEntry } from '../../src/serve/tls-entry.ts'

export const testConfig: ServeConfig = {
  protocol: 'test',
  host: '127.0.0.1',
  port: 0,
  strictPort: false,
  threads: 1,
  threadPerClient: false,
  maxClients: 100,
  freeDescriptors: 10_000,
  memoryBytes: Number.POSITIVE_INFINITY,
  bufferMemory: undefined,
  idleTimeout: 0,
  pingInterval: 15_000,
  framing: 'auto',
  allowStop: 'loopback',
  plaintext: 'loopback',
  proxyProtocol: [],
  options: {},
}

/** A protocol served in this very thread: sockets, sessions and the runner for real, no other threads, no log file. */
export class LocalServer {
  readonly events: NetlabEvent[] = []
  readonly stopRequests: string[] = []
  readonly runner: ClientRunner
  readonly ledger: BufferLedger
  /** How often the system got memory back. */
  memoryGivenBack = 0
  readonly #server: Server
  readonly #channels: ChannelPorts
  #watchers: (() => void)[] = []
  #lastId = 0
  readonly #tls: ReturnType<typeof tlsEntry> | undefined

  private constructor(
    protocol: Protocol,
    whole: ServeConfig,
    clock: Clock,
    channels: ChannelPorts,
    peerAddress?: string,
  ) {
    this.#channels = channels
    this.ledger = new BufferLedger(new BufferBudget(whole.bufferMemory ?? serveLimits.bufferBytes).share())
    this.#tls = whole.certificate && tlsEntry(whole.certificate)
    this.runner = new ClientRunner(whole, 1, protocol, {
      clock,
      ledger: this.ledger,
      giveBackMemory: () => {
        this.memoryGivenBack++
      },
      tls: this.#tls?.enter,
      record: (event) => {
        this.events.push(event)
        for (const watcher of this.#watchers) watcher()
      },
      known: () => undefined,
      ended: () => undefined,
      stopRequested: (by) => void this.stopRequests.push(by),
    })
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
      const peer = { address: peerAddress ?? plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 }
      this.runner.take(++this.#lastId, peer, detach(socket))
    })
  }

  /** `peerAddress` makes every client look as if it came from there; `channels` lead to the protocol's shared state, and are closed with the server. */
  static async start(
    definition: ProtocolDefinition,
    config: Partial<ServeConfig> = {},
    {
      clock = systemClock,
      peerAddress,
      channels = {},
    }: { clock?: Clock; peerAddress?: string; channels?: ChannelPorts } = {},
  ): Promise<LocalServer> {
    const whole: ServeConfig = { ...testConfig, protocol: definition.name, ...config }
    const protocol = await definition.create(whole.options, { clock, framing: whole.framing, channels })
    const server = new LocalServer(protocol, whole, clock, channels, peerAddress)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  useCertificate(pair: KeyPair): void {
    this.#tls?.use(pair)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Resolves with the first event of this type that is meant, past or future. */
  async event<T extends NetlabEvent['type']>(
    type: T,
    meant: (event: Extract<NetlabEvent, { type: T }>) => boolean = () => true,
  ): Promise<Extract<NetlabEvent, { type: T }>> {
    const isMeant = (event: NetlabEvent): event is Extract<NetlabEvent, { type: T }> =>
      event.type === type && meant(event as Extract<NetlabEvent, { type: T }>)
    for (;;) {
      const found = this.events.find(isMeant)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve)
      })
    }
  }

  async close(): Promise<void> {
    this.#server.close()
    await this.runner.drain()
    // An open port would keep the process alive after its last test.
    for (const port of Object.values(this.#channels)) port.close()
  }
}
