import { limits } from '../../base/limits.ts'
import { Epoch, type Purpose } from './epoch.ts'
import type { HostTrack } from './host-track.ts'
import { Random } from './random.ts'

/** What becomes of a host that had answered: nothing comes from it, it is given up, or it answers again. */
export type Presence = 'silent' | 'gone' | 'back'

/** Told when a host's presence changes. */
export type Told = (track: HostTrack, presence: Presence) => void

/**
 * Watches hosts that answered and then fell silent, ports that are known to answer included. Nothing is asked of such a
 * host but whether it is back, until it is given up: then each of its ports that was never tried gets one attempt, in
 * case only what was known to answer has died.
 */
export class Vigil {
  /** What is asked here says nothing about the path, so that it belongs to no epoch of the scan. */
  readonly epoch: Epoch
  readonly #told: Told
  readonly #random = new Random(3)
  /** When each is to be asked again. */
  readonly #watched = new Map<HostTrack, number>()
  readonly #left = new Set<HostTrack>()

  constructor(nowMs: number, told: Told) {
    this.epoch = new Epoch(-1, nowMs)
    this.#told = told
  }

  /** The host itself answered: a port of it is open, or refused. */
  heard(track: HostTrack, nowMs: number): void {
    track.heardMs = nowMs
    track.unheard = 0
    if (track.presence === 'here') return
    track.presence = 'here'
    this.#watched.delete(track)
    this.#told(track, 'back')
  }

  /** A port that is known to answer did not. */
  missed(track: HostTrack, nowMs: number): void {
    track.unheard++
    if (track.presence !== 'here' || track.unresolved === 0) return
    if (track.unheard < ENOUGH || nowMs - track.heardMs < limits.scanOutageMs) return
    track.presence = 'silent'
    this.#watched.set(track, nowMs)
    this.#told(track, 'silent')
  }

  /** Hosts that are waited for. */
  get silentCount(): number {
    let count = 0
    for (const { presence } of this.#watched.keys()) if (presence === 'silent') count++
    return count
  }

  /** Hosts are not waited for for ever. */
  advance(nowMs: number): void {
    for (const track of this.#watched.keys()) {
      if (track.unresolved === 0) this.#watched.delete(track)
      else if (track.presence === 'silent' && nowMs - track.heardMs >= limits.scanGoneMs) {
        track.presence = 'gone'
        this.#told(track, 'gone')
      }
    }
  }

  /** A question to a host whose turn it is to be asked whether it is back. */
  next(nowMs: number): { track: HostTrack; port: number; purpose: Purpose } | undefined {
    for (const [track, dueMs] of this.#watched) {
      if (nowMs < dueMs) continue
      this.#watched.set(track, nowMs + limits.scanVigilMs)
      const port = (track.open.size > 0 ? track.open : track.refusing).pick(this.#random)
      if (port !== undefined) return { track, port, purpose: 'vigil' }
    }
    return undefined
  }

  /** A port of a host that is gone is left without an answer. */
  leave(track: HostTrack): void {
    this.#left.add(track)
  }

  /** Hosts of which ports were left without an answer. */
  get left(): Iterable<HostTrack> {
    return this.#left
  }
}

/** Ports known to answer that stay silent in a row, beside which nothing is heard of the host. */
const ENOUGH = 16
