import type { Socket } from 'node:net'
import type { Clock, Timer } from '../base/clock.ts'
import { netLimits } from './limits.ts'
import { loadTcpState, type ReadTcpState, type TcpState } from './tcp-state.ts'

/** What there is to see of a peer. */
export interface PeerSigns {
  /** All bytes that came, ever. */
  readonly heardBytes: number
  /** All bytes that were written. */
  readonly sentBytes: number
  /** What comes is read; otherwise it may have said something. */
  readonly reading: boolean
  /** What the system knows of the connection; undefined where it can't be asked. */
  readonly tcp: () => TcpState | undefined
}

/**
 * Judges whether a peer is still there, from looks at regular intervals. Looks are counted, not time: after a pause of this
 * process (SIGSTOP, a machine asleep) the time is long and what came in it has not been read.
 *
 * A peer that has promised to answer is judged by its words. Any other is judged by its TCP where we sent something: without that
 * the system's own keep-alive does it, which rests while data is under way. A peer that takes nothing (its window is closed)
 * answers TCP all the same, and stays.
 */
export class Liveness {
  /** The peer answers when it is asked. */
  promised = false
  readonly #silenceMs: number
  #heardBytes = 0
  #sentBytes = 0
  /** Looks since the last word, and of those the last ones in which all that came was read. */
  #quiet = 0
  #unheard = 0
  /** At the last look the peer's TCP was silent, too. */
  #suspect = false

  /** @param silenceMs of the peer's TCP: longer than any that keep-alive leaves to one that is there */
  constructor(silenceMs: number = tcpSilenceMs(netLimits.pingMs)) {
    this.#silenceMs = silenceMs
  }

  look({ heardBytes, sentBytes, reading, tcp }: PeerSigns): 'there' | 'ask' | 'gone' {
    if (heardBytes !== this.#heardBytes) {
      this.#heardBytes = heardBytes
      this.#sentBytes = sentBytes
      this.#quiet = 0
      this.#unheard = 0
      this.#suspect = false
      return 'there'
    }
    this.#quiet += 1
    this.#unheard = reading ? this.#unheard + 1 : 0
    const due = this.promised && this.#quiet % netLimits.looksPerPing === 0
    if (this.promised && reading) {
      if (this.#unheard >= netLimits.looksUntilGone) return 'gone'
    } else if (this.#quiet >= netLimits.looksPerPing && (!reading || sentBytes !== this.#sentBytes)) {
      const suspected = this.#suspect
      // Twice, since a question may just have been asked after a long rest.
      this.#suspect = this.#isSilent(tcp())
      if (this.#suspect && suspected) return 'gone'
    }
    return due ? 'ask' : 'there'
  }

  #isSilent(state: TcpState | undefined): boolean {
    if (state === undefined) return false
    return state.closed || (state.asked && state.silentMs >= this.#silenceMs)
  }
}

/** Has the system ask whether a silent peer is there. */
export function keepAlive(socket: Socket, pingMs: number = netLimits.pingMs): void {
  const { delaySeconds, gapSeconds } = keepAliveSeconds(pingMs)
  // Node before 24.21 ignores the last two: it asks ten times, a second apart.
  const set: (enable: boolean, delayMs: number, gapMs: number, count: number) => void = socket.setKeepAlive.bind(socket)
  set(true, delaySeconds * 1000, gapSeconds * 1000, netLimits.keepAliveCount)
}

/** How long it takes keep-alive to find that a peer is gone. */
export function tcpSilenceMs(pingMs: number): number {
  const { delaySeconds, gapSeconds } = keepAliveSeconds(pingMs)
  return (delaySeconds + gapSeconds * netLimits.keepAliveCount) * 1000
}

function keepAliveSeconds(pingMs: number): { readonly delaySeconds: number; readonly gapSeconds: number } {
  return {
    delaySeconds: Math.ceil((pingMs * netLimits.keepAliveDelay) / 1000),
    gapSeconds: Math.ceil((pingMs * netLimits.keepAliveGap) / 1000),
  }
}

/** How often to look at a peer that is asked after `pingMs`. */
export function lookMs(pingMs: number): number {
  return pingMs / netLimits.looksPerPing
}

/** Watches the peer of one socket, and breaks the connection with ETIMEDOUT when there is no answer any more. For clients: servers look at all of theirs at once. */
export class PeerWatch {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #liveness = new Liveness()
  #pingMs: number = netLimits.pingMs
  #timer: Timer | undefined
  #saySomething: (() => void) | undefined
  #readTcp: ReadTcpState | undefined
  #loading = false

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
    socket.once('close', () => this.#timer?.cancel())
    this.#schedule()
  }

  /**
   * The peer says something at least every `pingMs`.
   * @param saySomething tells it that we are there, while we don't read its questions
   */
  expectWords(pingMs: number, saySomething: () => void): void {
    this.#saySomething = saySomething
    this.#liveness.promised = true
    this.#pingMs = pingMs
    this.#schedule()
  }

  #schedule(): void {
    this.#timer?.cancel()
    // After a pause of this whole process what came meanwhile lies there: that is read first.
    const later = (): void => void setImmediate(() => this.#look())
    this.#timer = this.#clock.after(lookMs(this.#pingMs), later, { background: true })
  }

  #look(): void {
    const socket = this.#socket
    if (socket.destroyed) return
    const reading = !socket.isPaused()
    const { bytesRead: heardBytes, bytesWritten: sentBytes } = socket
    const look = this.#liveness.look({ heardBytes, sentBytes, reading, tcp: () => this.#tcp() })
    if (look === 'gone') {
      socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }))
      return
    }
    if (look === 'ask' && !reading) this.#saySomething?.()
    this.#schedule()
  }

  /** What it takes to ask is loaded when it is first wanted. */
  #tcp(): TcpState | undefined {
    if (!this.#loading) {
      this.#loading = true
      void loadTcpState().then((read) => {
        this.#readTcp = read
      })
    }
    return this.#readTcp?.(this.#socket)
  }
}
