import type { Clock, Timer } from '../base/clock.ts'
import type { EventSink, Peer } from '../base/events.ts'
import { Fifo } from '../base/fifo.ts'
import { lookMs } from '../net/liveness.ts'
import { inNetworks } from '../net/networks.ts'
import { loadTcpState, type ReadTcpState } from '../net/tcp-state.ts'
import { type BufferLedger, largestIdle } from './buffer-budget.ts'
import { Connection, type ConnectionHost } from './connection.ts'
import { serveLimits } from './limits.ts'
import type { ServeConfig } from './options.ts'
import { directOrigin, originBehind, readProxyHeader } from './origin.ts'
import type { Protocol } from './protocol.ts'
import type { TransferredSocket } from './socket-transfer.ts'
import { SpareMemory } from './spare-memory.ts'
import type { TlsEntry } from './tls-entry.ts'

/** One row of the operator's table of clients. */
export interface ClientStatus {
  readonly id: number
  readonly peer: Peer
  /** Who it is, where the protocol knows. */
  readonly name: string | undefined
  readonly thread: number
  readonly received: number
  readonly sent: number
  readonly queued: number
  readonly idleMs: number
}

/** Whom a runner reports to. */
export interface RunnerOwner {
  readonly clock: Clock
  readonly record: EventSink
  /** How clients come in on a server with TLS. */
  readonly tls: TlsEntry | undefined
  /** The thread's part of what the server may hold for its clients. */
  readonly ledger: BufferLedger
  /** A crowd has gone: the system should get back what it took. */
  giveBackMemory(): void
  /** A proxy told who is behind a connection. */
  known(id: number, peer: Peer): void
  /** A connection is closed; its place is free. */
  ended(id: number): void
  stopRequested(by: string): void
}

/** Runs the conversations of one thread. Which thread that is, neither it nor the protocol needs to know. */
export class ClientRunner implements ConnectionHost {
  readonly clock: Clock
  readonly record: EventSink
  readonly framing: ServeConfig['framing']
  readonly allowStop: ServeConfig['allowStop']
  readonly offersTls: boolean
  readonly ledger: BufferLedger
  readonly insecure: boolean
  readonly expectsProxies: boolean
  readonly thread: number
  readonly pingMs: number
  readonly #config: ServeConfig
  readonly #protocol: Protocol
  readonly #owner: RunnerOwner
  readonly #connections = new Map<number, Connection>()
  readonly #closing = new Set<Connection>()
  /** Those that hold memory that counts, and of them those that wait for more. */
  readonly #holders = new Set<Connection>()
  readonly #waiting = new Set<Connection>()
  /** Part of a message of theirs may have come. */
  readonly #unfinished = new Set<Connection>()
  readonly #spare: SpareMemory
  /** When the first socket was read in this turn of the loop. */
  #turnBeganMs: number | undefined
  #turnEnds = false
  /** Who goes on in a later turn. */
  readonly #nextTurn = new Fifo<() => void>()
  #shortNoticeMs = Number.NEGATIVE_INFINITY
  readonly #buffers = new Map<number, Buffer>()
  /** When it is next looked which peers are still there; undefined while that is done, and while there are none. */
  #peersDueMs: number | undefined
  #readTcp: ReadTcpState | undefined
  #loadingTcp = false
  #sweep: Timer | undefined
  #sweepMs = Number.POSITIVE_INFINITY
  #drained: (() => void) | undefined

  constructor(config: ServeConfig, thread: number, protocol: Protocol, owner: RunnerOwner) {
    this.clock = owner.clock
    this.record = owner.record
    this.framing = config.framing
    this.allowStop = config.allowStop
    this.offersTls = config.certificate !== undefined
    this.ledger = owner.ledger
    this.#config = config
    this.pingMs = config.pingInterval
    this.insecure = config.insecure === true
    this.expectsProxies = config.proxyProtocol.length > 0
    this.thread = thread
    this.#protocol = protocol
    this.#owner = owner
    this.#spare = new SpareMemory(owner.clock, () => owner.giveBackMemory())
  }

  /** Serves one more client. */
  take(id: number, peer: Peer, transferred: TransferredSocket): void {
    const connection = new Connection(id, directOrigin(peer), transferred, this)
    this.#connections.set(id, connection)
    if (this.#connections.size === 1) this.#watchPeers()
    if (this.#config.idleTimeout > 0) this.#sweepWithin(Math.min(this.#config.idleTimeout / 4, serveLimits.sweepMs))
    if (inNetworks(this.#config.proxyProtocol, peer.address)) void this.#enterThroughProxy(connection, peer)
    else this.#enter(connection)
    if (this.#drained !== undefined) connection.end('stopping')
  }

  async #enterThroughProxy(connection: Connection, proxy: Peer): Promise<void> {
    const known = await connection.learnOrigin(async (socket) => {
      return originBehind(proxy, await readProxyHeader(socket, this.clock))
    })
    if (!known) return
    this.#owner.known(connection.id, connection.peer)
    this.#enter(connection)
  }

  #enter(connection: Connection): void {
    connection.announce()
    const { tls } = this.#owner
    if (tls === undefined) this.#serve(connection)
    else {
      const plaintext = connection.local || this.#config.plaintext === 'any'
      void connection
        .enter((socket, beforeHandshake) => tls(socket, plaintext, this.clock, beforeHandshake))
        .then((entered) => {
          if (entered) this.#serve(connection)
        })
    }
  }

  #serve(connection: Connection): void {
    try {
      this.#protocol.serve(connection)?.then(
        () => connection.done(),
        (error: unknown) => connection.fail(error),
      )
    } catch (error) {
      connection.fail(error)
    }
  }

  /** Ends one conversation. Returns whether it was here. */
  kick(id: number, reason: 'kicked' | 'banned' = 'kicked'): boolean {
    const connection = this.#connections.get(id)
    if (connection === undefined) return false
    this.record({ type: 'kicked', id, peer: connection.peer })
    connection.kick(reason)
    return true
  }

  status(): ClientStatus[] {
    const now = this.clock.monotonic()
    return [...this.#connections.values()].map((connection) => ({
      id: connection.id,
      peer: connection.peer,
      name: connection.userName,
      thread: this.thread,
      received: connection.receivedBytes,
      sent: connection.sentBytes,
      queued: connection.queuedBytes,
      idleMs: Math.round(now - connection.activeMs),
    }))
  }

  /** Ends every conversation; resolves when the last socket is closed, which `limits.drainMs` bounds. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve
      for (const connection of this.#connections.values()) connection.end('stopping')
      if (this.#connections.size === 0) resolve()
    })
  }

  readBuffer(bytes: number): Buffer {
    let buffer = this.#buffers.get(bytes)
    if (buffer === undefined) {
      buffer = Buffer.allocUnsafeSlow(bytes)
      this.#buffers.set(bytes, buffer)
    }
    return buffer
  }

  stopRequested(by: string): void {
    this.#owner.stopRequested(by)
  }

  closing(connection: Connection): void {
    this.#closing.add(connection)
    this.#sweepWithin(serveLimits.closingSweepMs)
  }

  holds(connection: Connection): void {
    if (connection.heldBytes === 0) {
      this.#holders.delete(connection)
      this.#spare.note(this.#connections.size, this.ledger.ownBytes)
      return
    }
    this.#holders.add(connection)
    this.#sweepWithin(serveLimits.sweepMs)
  }

  isLongTurn(nowMs: number): boolean {
    if (this.#turnBeganMs === undefined) {
      this.#turnBeganMs = nowMs
      this.#endTurnSoon()
    }
    return nowMs - this.#turnBeganMs > serveLimits.turnMs
  }

  nextTurn(callback: () => void): void {
    this.#nextTurn.push(callback)
    this.#endTurnSoon()
  }

  #endTurnSoon(): void {
    if (this.#turnEnds) return
    this.#turnEnds = true
    setImmediate(() => {
      this.#turnEnds = false
      this.#turnBeganMs = undefined
      for (let i = 0; i < serveLimits.turnReads && this.#nextTurn.size > 0; i++) this.#nextTurn.shift()?.()
      if (this.#nextTurn.size > 0) this.#endTurnSoon()
    })
  }

  waits(connection: Connection): void {
    this.#waiting.add(connection)
    this.#sweepWithin(serveLimits.bufferWaitMs)
  }

  waitsForRest(connection: Connection): void {
    this.#unfinished.add(connection)
    this.#sweepWithin(serveLimits.unfinishedMs)
  }

  closed(connection: Connection): void {
    this.#closing.delete(connection)
    this.#unfinished.delete(connection)
    this.#waiting.delete(connection)
    // Before it is gone: what it held has been given up already.
    this.#spare.note(this.#connections.size, this.ledger.ownBytes)
    this.#connections.delete(connection.id)
    this.#spare.note(this.#connections.size, this.ledger.ownBytes)
    this.#owner.ended(connection.id)
    if (this.#connections.size === 0) this.#drained?.()
  }

  /** What it takes is loaded when somebody first wants to know. */
  readTcp(): ReadTcpState | undefined {
    if (!this.#loadingTcp) {
      this.#loadingTcp = true
      void loadTcpState().then((read) => {
        this.#readTcp = read
      })
    }
    return this.#readTcp
  }

  /** One timer for all deadlines of the thread, and none while there is nothing to watch. */
  #sweepWithin(delayMs: number): void {
    if (this.#sweep !== undefined && this.#sweepMs <= delayMs) return
    this.#sweep?.cancel()
    this.#sweepMs = delayMs
    // After a pause of this whole process it is late, and what clients said meanwhile lies there: that is read first.
    this.#sweep = this.clock.after(delayMs, () => setImmediate(() => this.#look()), { background: true })
  }

  #look(): void {
    this.#sweep?.cancel()
    this.#sweep = undefined
    this.#sweepMs = Number.POSITIVE_INFINITY
    const now = this.clock.monotonic()
    for (const connection of this.#closing) if (connection.expire(now)) this.#closing.delete(connection)
    const { idleTimeout: idleMs } = this.#config
    if (idleMs > 0) {
      for (const connection of this.#connections.values()) {
        if (now - connection.activeMs >= idleMs) connection.end('idle')
      }
    }
    if (this.#holders.size > 0) this.#lookAtMemory(now)
    for (const connection of this.#unfinished) if (connection.lookAtRest(now)) this.#unfinished.delete(connection)
    if (this.#unfinished.size > 0) this.#sweepWithin(serveLimits.unfinishedSweepMs)
    if (this.#peersDueMs !== undefined && now >= this.#peersDueMs) this.#lookForPeers(this.#connections.values())
    else if (this.#peersDueMs !== undefined) this.#sweepWithin(this.#peersDueMs - now)
    if (this.#closing.size > 0) this.#sweepWithin(serveLimits.closingSweepMs)
    if (idleMs > 0 && this.#connections.size > 0) this.#sweepWithin(Math.min(idleMs / 4, serveLimits.sweepMs))
  }

  #watchPeers(): void {
    this.#peersDueMs = undefined
    if (this.#connections.size === 0) return
    const delayMs = lookMs(this.pingMs)
    this.#peersDueMs = this.clock.monotonic() + delayMs
    this.#sweepWithin(delayMs)
  }

  /** A part of them in each turn of the loop, so that those who talk don't wait. */
  #lookForPeers(connections: Iterator<Connection>): void {
    this.#peersDueMs = undefined
    for (let count = 0; count < serveLimits.looksPerTurn; count++) {
      const next = connections.next()
      if (next.done === true) {
        this.#watchPeers()
        return
      }
      next.value.lookForPeer()
    }
    setImmediate(() => this.#lookForPeers(connections))
  }

  /** Where memory is short, the largest holders on which nothing moves make room, and those who wait go on as far as there is some. */
  #lookAtMemory(nowMs: number): void {
    // A peer that takes little by little what is queued for it tells nobody.
    for (const connection of this.#holders) connection.held()
    const { excessBytes, usedBytes, limitBytes } = this.ledger
    if (excessBytes > 0) {
      const cut = largestIdle(this.#holders, excessBytes, nowMs - serveLimits.bufferIdleMs)
      if (nowMs - this.#shortNoticeMs >= serveLimits.shortNoticeMs) {
        this.#shortNoticeMs = nowMs
        this.record({ type: 'memory-short', bytes: usedBytes, limit: limitBytes, waiting: this.#waiting.size })
      }
      for (const connection of cut) connection.cut()
    }
    for (const connection of this.#waiting) if (connection.goOn()) this.#waiting.delete(connection)
    if (this.#waiting.size > 0) this.#sweepWithin(serveLimits.bufferWaitMs)
    if (this.#holders.size > 0) this.#sweepWithin(serveLimits.sweepMs)
  }
}
