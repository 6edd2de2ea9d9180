import type { Clock, Timer } from '../base/clock.ts'
import { Fifo } from '../base/fifo.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { grouped } from '../terminal/format.ts'
import { scanLimits } from './limits.ts'
import type { AskTls } from './tls-info.ts'
import type { PortResult } from './types.ts'

export interface InspectorServices {
  readonly ask: AskTls
  readonly clock: Clock
  /** Aborted: what is waiting is let go as it is. */
  readonly signal: AbortSignal
  /** Takes each result once, with what its port says in TLS. */
  readonly take: (result: PortResult) => void
}

/** Asks open ports for TLS, each once in a connection of its own: few at a time, so many a second, and so many of a host. */
export class TlsInspector {
  readonly #services: InspectorServices
  readonly #bucket: TokenBucket
  readonly #queue = new Fifo<PortResult>()
  readonly #asked = new Map<string, number>()
  #underWay = 0
  #unasked = 0
  readonly #spanMs: number
  #timer: Timer | undefined
  #finished: (() => void) | undefined

  /** @param rate probes a second at most, where a person said so */
  constructor(rate: number | undefined, services: InspectorServices) {
    const paced = Math.min(rate ?? scanLimits.tlsRate, scanLimits.tlsRate)
    this.#services = services
    this.#spanMs = Math.ceil(1000 / paced)
    this.#bucket = new TokenBucket(paced, 1, services.clock.monotonic())
    services.signal.addEventListener('abort', this.#letGo, { once: true })
  }

  /** Open ports that were not asked, or not to the end. */
  get unasked(): number {
    return this.#unasked
  }

  /** What a reader of the report must know. */
  get notes(): readonly string[] {
    if (this.#unasked === 0) return []
    const why = `more than ${scanLimits.tlsPortsOfHost} of one host, or the scan was stopped`
    return [`${grouped(this.#unasked)} open ports were not asked for TLS (${why})`]
  }

  /** Takes any result; the ones to be asked come back later. */
  add(result: PortResult): void {
    const { host, state, banner } = result
    // Who speaks first speaks no TLS.
    const isOver = banner !== undefined && banner.length > 0
    if (state !== 'open' || isOver) {
      this.#services.take(result)
      return
    }
    const asked = this.#asked.get(host.address) ?? 0
    if (asked >= scanLimits.tlsPortsOfHost || this.#services.signal.aborted) {
      this.#pass(result)
      return
    }
    this.#asked.set(host.address, asked + 1)
    this.#queue.push(result)
    this.#pump()
  }

  /** Resolves when every result has been taken. */
  async finish(): Promise<void> {
    if (this.#underWay > 0 || this.#queue.size > 0) {
      await new Promise<void>((resolve) => {
        this.#finished = resolve
      })
    }
    this.#services.signal.removeEventListener('abort', this.#letGo)
  }

  #pass(result: PortResult): void {
    this.#unasked++
    this.#services.take(result)
  }

  #pump(): void {
    const { clock } = this.#services
    while (this.#queue.size > 0 && this.#underWay < scanLimits.tlsCount && this.#timer === undefined) {
      if (!this.#bucket.tryTake(clock.monotonic())) {
        this.#timer = clock.after(this.#spanMs, () => {
          this.#timer = undefined
          this.#pump()
        })
        return
      }
      const result = this.#queue.shift()
      if (result !== undefined) void this.#ask(result)
    }
  }

  async #ask(result: PortResult): Promise<void> {
    const { ask, clock, signal, take } = this.#services
    this.#underWay++
    const tls = await ask({ host: result.host, port: result.port, clock, signal })
    this.#underWay--
    if (tls === undefined && signal.aborted) this.#pass(result)
    else take(tls === undefined ? result : { ...result, tls })
    this.#pump()
    this.#endIfDone()
  }

  #endIfDone(): void {
    if (this.#underWay === 0 && this.#queue.size === 0) this.#finished?.()
  }

  readonly #letGo = (): void => {
    for (let result = this.#queue.shift(); result !== undefined; result = this.#queue.shift()) this.#pass(result)
    this.#timer?.cancel()
    this.#timer = undefined
    this.#endIfDone()
  }
}
