import type { HostTrack } from './host-track.ts'

/**
 * Ports that were open and then refused. Either the service has ended, or the host refuses what is too much for it, open
 * ports included: then what it calls closed proves nothing. When all else is answered they are asked once more, in silence.
 */
export class Turned {
  /** One such port a host. */
  readonly #ports = new Map<HostTrack, number>()
  readonly #contradicting = new Set<HostTrack>()
  readonly #queue: HostTrack[] = []
  #rounds = 0
  #dueMs = 0
  #asking = 0

  refused(track: HostTrack, port: number): void {
    if (this.#ports.size < MOST_HOSTS && !this.#ports.has(track)) this.#ports.set(track, port)
  }

  opened(track: HostTrack, port: number): void {
    if (this.#ports.get(track) === port) this.#contradicting.add(track)
  }

  /** Hosts that refuse ports which are open. */
  get contradicting(): Iterable<HostTrack> {
    return this.#contradicting
  }

  /** Nothing is left to ask. */
  get isSettled(): boolean {
    if (this.#asking > 0 || this.#queue.length > 0) return false
    return this.#rounds === ROUNDS || this.#contradicting.size === this.#ports.size
  }

  /** The next to ask, once all ports of all hosts are answered. */
  next(nowMs: number): { track: HostTrack; port: number; purpose: 'turned' } | undefined {
    if (this.#queue.length === 0 && !this.#isNextRound(nowMs)) return undefined
    const track = this.#queue.pop()
    const port = track && this.#ports.get(track)
    if (track === undefined || port === undefined) return undefined
    this.#asking++
    return { track, port, purpose: 'turned' }
  }

  settled(): void {
    this.#asking--
  }

  /** Each round begins after a longer silence. */
  #isNextRound(nowMs: number): boolean {
    if (this.isSettled || this.#asking > 0) return false
    if (this.#dueMs === 0) this.#dueMs = nowMs + SILENCE_MS
    if (nowMs < this.#dueMs) return false
    this.#rounds++
    this.#dueMs = nowMs + SILENCE_MS * 2 ** this.#rounds
    for (const track of this.#ports.keys()) if (!this.#contradicting.has(track)) this.#queue.push(track)
    return true
  }
}

const MOST_HOSTS = 64
const ROUNDS = 2
const SILENCE_MS = 250
