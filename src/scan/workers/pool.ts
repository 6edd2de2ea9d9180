import { constants } from 'node:os'
import { type StartThread, spareProcessors, type Thread } from '../../base/threads.ts'
import type { Settled, Target } from '../engines/engine.ts'
import { CommandRing } from './command-ring.ts'
import { ResultRing } from './result-ring.ts'
import type { BannerResult, WorkerStart } from './worker.ts'

/** One turn of the scan: by its time so many probes had been handed out. */
interface Turn {
  readonly turn: number
  readonly atMs: number
  readonly published: number
}

interface Member {
  readonly worker: Thread
  readonly results: ResultRing
  readonly exited: Promise<void>
}

/**
 * The scan's threads. They are started one by one while the processor is what holds the scan up, never more than there
 * are processors beside that of the thread that owns them, which makes probes too: beyond that each one only costs its
 * start and 15 MiB.
 */
export class WorkerPool {
  readonly #startThread: StartThread
  readonly #settled: Settled
  readonly #commands = new CommandRing()
  readonly #members: Member[] = []
  #most: number
  /** Tickets that the threads have. */
  readonly #away = new Set<number>()
  readonly #engine: 'net' | 'libc'
  readonly #tickets: number
  /** Of the threads that take up work. */
  readonly #ready: ResultRing[] = []
  /** Turns of ours whose doings the threads may not have seen the end of yet. */
  readonly #turns: Turn[] = []
  #seenMs = Number.NEGATIVE_INFINITY

  constructor(threads: number, engine: 'net' | 'libc', tickets: number, startThread: StartThread, settled: Settled) {
    this.#most = Math.min(threads, spareProcessors())
    this.#engine = engine
    this.#tickets = tickets
    this.#startThread = startThread
    this.#settled = settled
  }

  /** Threads that take up work. */
  get online(): number {
    return this.#ready.length
  }

  get started(): number {
    return this.#members.length
  }

  /** One more thread, unless one is on its way already or there are as many as can help. */
  grow(): void {
    if (this.#members.length > this.#ready.length || this.#members.length >= this.#most) return
    const results = new ResultRing(this.#tickets)
    const data: WorkerStart = {
      engine: this.#engine,
      tickets: this.#tickets,
      commands: this.#commands.buffer,
      results: results.buffer,
    }
    const worker = this.#startThread('scan', { name: `scan-${this.#members.length + 1}`, data })
    worker.on('message', (message: 'ready' | BannerResult) => {
      if (message === 'ready') this.#ready.push(results)
      else this.#settleAway(message.ticket, message.outcome, message.rttMs, message.banner)
    })
    worker.on('error', () => {})
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
    void exited.then(() => (this.#commands.isClosed ? undefined : this.#withdraw()))
    this.#members.push({ worker, results, exited })
  }

  /** Hands a probe to whichever thread is first; false when there is none, or they have enough to do for now. */
  send(ticket: number, host: number, target: Target, port: number, timeoutMs: number, bannerMs: number): boolean {
    if (this.online === 0 || this.#commands.backlog >= AHEAD) return false
    if (!this.#commands.push(ticket, host, target, port, timeoutMs, bannerMs)) return false
    this.#away.add(ticket)
    return true
  }

  /** A thread died, and nobody can tell with which probes: all threads go, and what they had is put back. */
  async #withdraw(): Promise<void> {
    const results = this.#ready.splice(0)
    this.#most = 0
    await this.close()
    for (const ring of results) ring.drain(this.#settleAway)
    for (const ticket of [...this.#away]) this.#settleAway(ticket, constants.errno.EAGAIN, 0)
  }

  readonly #settleAway = (ticket: number, outcome: number, rttMs: number, banner?: Uint8Array): void => {
    if (this.#away.delete(ticket)) this.#settled(ticket, outcome, rttMs, banner)
  }

  /**
   * Takes up what the threads have found, and tells by which time all that had happened is known: what was handed out
   * since may still wait in a ring or in a thread that is busy, which is not the network's fault.
   */
  drain(nowMs: number): number {
    for (const results of this.#ready) results.drain(this.#settleAway)
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
    await Promise.all(this.#members.map(({ exited }) => exited))
  }
}

/** Probes handed out and not begun, a few milliseconds' worth: more would only make the pacing's clock wrong. */
const AHEAD = 256
