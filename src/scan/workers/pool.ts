import { constants } from 'node:os'
import { type StartThread, spareProcessors, type Thread } from '../../base/threads.ts'
import type { Settled } from '../engines/engine.ts'
import { scanLimits } from '../limits.ts'
import type { EngineName, HostAddress } from '../types.ts'
import { CommandRing, ResultRing } from './rings.ts'
import type { BannerResult, WorkerStart } from './worker.ts'

/** A turn of the scan that the threads may not have caught up with: when it was, and how many probes were handed out before it. */
interface PendingTurn {
  readonly turn: number
  readonly atMs: number
  readonly published: number
}

interface PoolThread {
  readonly results: ResultRing
  readonly exited: Promise<void>
}

/**
 * The scan's threads. They are started one by one while the scan is CPU-bound, never more than there are processors
 * beside that of the thread that owns them, which makes probes too: beyond that each one only costs its start and 15 MiB.
 */
export class WorkerPool {
  readonly #startThread: StartThread
  readonly #settled: Settled
  readonly #commands = new CommandRing()
  readonly #threads: PoolThread[] = []
  #maxThreads: number
  /** Tickets handed to the threads and not settled. */
  readonly #pending = new Set<number>()
  readonly #engine: EngineName
  readonly #tickets: number
  /** Of the threads that take up work. */
  readonly #ready: ResultRing[] = []
  readonly #turns: PendingTurn[] = []
  readonly #cpuBound: CpuBoundDetector
  #seenMs = Number.NEGATIVE_INFINITY

  /** @param nowMs on the monotonic clock, as everywhere here */
  constructor(
    { threads, engine, tickets }: { threads: number; engine: EngineName; tickets: number },
    nowMs: number,
    startThread: StartThread,
    settled: Settled,
  ) {
    this.#maxThreads = Math.min(threads, spareProcessors())
    this.#engine = engine
    this.#tickets = tickets
    this.#startThread = startThread
    this.#settled = settled
    this.#cpuBound = new CpuBoundDetector(nowMs)
  }

  get started(): number {
    return this.#threads.length
  }

  /** Called after every turn of the scan; starts a thread when one pays. For the parameters see `CpuBoundDetector`. */
  growIfCpuBound(isBusy: boolean, nowMs: number, portsLeft: number): void {
    if (!this.#cpuBound.turn(isBusy, nowMs, portsLeft)) return
    const isOneStarting = this.#threads.length > this.#ready.length
    if (!isOneStarting && this.#threads.length < this.#maxThreads) this.#start()
  }

  #start(): void {
    const results = new ResultRing(this.#tickets)
    const data: WorkerStart = {
      engine: this.#engine,
      tickets: this.#tickets,
      commands: this.#commands.buffer,
      results: results.buffer,
    }
    const worker: Thread = this.#startThread('scan', { name: `scan-${this.#threads.length + 1}`, data })
    worker.on('message', (message: 'ready' | BannerResult) => {
      if (message === 'ready') this.#ready.push(results)
      else this.#settle(message.ticket, message.outcome, message.rttMs, message.banner)
    })
    // Its exit follows, and is what counts.
    worker.on('error', () => {})
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    void exited.then(() => (this.#commands.isClosed ? undefined : this.#withdraw()))
    this.#threads.push({ results, exited })
  }

  /** Hands a probe to whichever thread is first; false when there is none, or they have enough to do for now. */
  send(ticket: number, number: number, host: HostAddress, port: number, timeoutMs: number, bannerMs: number): boolean {
    if (this.#ready.length === 0 || this.#commands.backlog >= scanLimits.threadBacklog) return false
    if (!this.#commands.push(ticket, number, host, port, timeoutMs, bannerMs)) return false
    this.#pending.add(ticket)
    return true
  }

  /** A thread died, and nobody can tell with which probes: all threads go, and what they had is put back as EAGAIN. */
  async #withdraw(): Promise<void> {
    const results = this.#ready.splice(0)
    this.#maxThreads = 0
    await this.close()
    for (const ring of results) ring.drain(this.#settle)
    for (const ticket of [...this.#pending]) this.#settle(ticket, constants.errno.EAGAIN, 0)
  }

  readonly #settle = (ticket: number, outcome: number, rttMs: number, banner?: Uint8Array): void => {
    if (this.#pending.delete(ticket)) this.#settled(ticket, outcome, rttMs, banner)
  }

  /**
   * Settles what the threads have found. Returns the moment up to which every outcome is known: a probe handed out since
   * may still wait in a ring or in a busy thread, and its missing answer is not the network's fault.
   */
  drain(nowMs: number): number {
    for (const results of this.#ready) results.drain(this.#settle)
    if (this.#ready.length === 0) return nowMs
    const seenTurn = this.#ready.reduce((least, { seenTurn }) => Math.min(least, seenTurn), Number.POSITIVE_INFINITY)
    const { claimed } = this.#commands
    for (let first = this.#turns[0]; first !== undefined; first = this.#turns[0]) {
      if (first.turn > seenTurn || ((first.published - claimed) | 0) > 0) break
      this.#seenMs = first.atMs
      this.#turns.shift()
    }
    this.#commands.turn++
    this.#turns.push({ turn: this.#commands.turn, atMs: nowMs, published: this.#commands.published })
    return this.#seenMs
  }

  /** Asks the threads to close their sockets and leave, and waits until they have. */
  async close(): Promise<void> {
    this.#commands.close()
    await Promise.all(this.#threads.map(({ exited }) => exited))
  }
}

/** Tells when the processor, and not the network, is what holds a scan up. */
class CpuBoundDetector {
  #sinceMs: number
  #busyTurns = 0
  #turns = 0

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  /**
   * Called after every turn of the scan: `isBusy` when there was more to send than time for it. True when a thread is
   * worth its start.
   */
  turn(isBusy: boolean, nowMs: number, portsLeft: number): boolean {
    this.#turns++
    if (isBusy) this.#busyTurns++
    if (nowMs - this.#sinceMs < scanLimits.cpuWindowMs) return false
    const isCpuBound =
      this.#turns >= scanLimits.cpuWindowTurns && this.#busyTurns > this.#turns * scanLimits.cpuBusyShare
    this.#sinceMs = nowMs
    this.#busyTurns = 0
    this.#turns = 0
    return isCpuBound && portsLeft > scanLimits.threadWorthPorts
  }
}
