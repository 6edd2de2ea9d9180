import type { Clock } from '../base/clock.ts'
import type { Peer } from '../base/events.ts'
import { Fifo } from '../base/fifo.ts'
import { TokenBucket } from '../base/token-bucket.ts'
import { isLoopback } from '../net/address.ts'
import { sourceKey } from '../net/ip.ts'
import { datagramLimits } from './limits.ts'

/** Where strangers come from: an IPv4 address, an IPv6 /64. */
interface Source {
  readonly bucket: TokenBucket
  /** Answers to its addresses that the system may still hold. */
  pending: number
}

/** What is known of an address that is no member's. */
interface Stranger {
  readonly source: Source
  /** Its cookie came back: it exists, and hears us. */
  proven: boolean
  /** Answers while that is not known. */
  unanswered: number
  /** Of these, how many the system may still hold. */
  pending: number
  /** After many answers to nobody: when the next one may go out. */
  nextMs: number
  usedMs: number
}

interface SentAnswer {
  readonly stranger: Stranger
  readonly untilMs: number
}

/**
 * Decides which of those who are not in the room are answered. An answer to an address of the local network that nobody has
 * stays in the system's send buffer, the same one that the members' datagrams wait in, until address resolution gives up after
 * three seconds (RFC 4861 10; Linux does the same for ARP). So only so much may be on its way to addresses that have not proven
 * that they hear us; one that never does is answered ever more rarely; and each source has a rate.
 */
export class StrangerGate {
  readonly #clock: Clock
  readonly #maxPending: number
  readonly #strangers = new Map<string, Stranger>()
  readonly #sources = new Map<string, Source>()
  readonly #sent = new Fifo<SentAnswer>()
  #pending = 0

  /** @param maxPending answers at a time to addresses that may not exist */
  constructor(clock: Clock, maxPending: number) {
    this.#clock = clock
    this.#maxPending = maxPending
  }

  /** Whether an answer may go to this peer now; it counts as sent then. */
  admits({ address }: Peer): boolean {
    const nowMs = this.#clock.monotonic()
    this.#forget(nowMs)
    const stranger = this.#strangers.get(address) ?? this.#stranger(address, nowMs)
    const { source, proven } = stranger
    // A /64 leaves half of the room to others.
    const full = this.#pending >= this.#maxPending || source.pending >= this.#maxPending / 2
    if (!proven && (full || nowMs < stranger.nextMs)) return false
    if (!source.bucket.tryTake(nowMs)) return false
    this.#keep(address, stranger, nowMs)
    if (!proven) this.#await(stranger, nowMs)
    return true
  }

  /** The peer sent back what only that address can have got. */
  proved({ address }: Peer): void {
    const nowMs = this.#clock.monotonic()
    const stranger = this.#strangers.get(address) ?? this.#stranger(address, nowMs)
    this.#release(stranger, stranger.pending)
    stranger.proven = true
    this.#keep(address, stranger, nowMs)
  }

  #stranger(address: string, nowMs: number): Stranger {
    const source = this.#source(address, nowMs)
    return { source, proven: isLoopback(address), unanswered: 0, pending: 0, nextMs: 0, usedMs: nowMs }
  }

  #source(address: string, nowMs: number): Source {
    const { strangerAnswersPerSecond: perSecond, strangerCount } = datagramLimits
    const key = sourceKey(address)
    const source = this.#sources.get(key) ?? { bucket: new TokenBucket(perSecond, 2 * perSecond, nowMs), pending: 0 }
    putLast(this.#sources, key, source)
    const [oldest] = this.#sources.keys()
    if (this.#sources.size > strangerCount && oldest !== undefined) this.#sources.delete(oldest)
    return source
  }

  #keep(address: string, stranger: Stranger, nowMs: number): void {
    stranger.usedMs = nowMs
    putLast(this.#strangers, address, stranger)
  }

  /** An answer went out to an address that may not exist. */
  #await(stranger: Stranger, nowMs: number): void {
    const { strangerFreeAnswers, strangerBackoffMs, strangerBackoffMaxMs, resolutionMs } = datagramLimits
    stranger.unanswered += 1
    const over = stranger.unanswered - strangerFreeAnswers
    if (over >= 0) stranger.nextMs = nowMs + Math.min(strangerBackoffMaxMs, strangerBackoffMs * 2 ** over)
    this.#release(stranger, -1)
    this.#sent.push({ stranger, untilMs: nowMs + resolutionMs })
  }

  /** So many of the answers to it are no longer held. */
  #release(stranger: Stranger, count: number): void {
    stranger.pending -= count
    stranger.source.pending -= count
    this.#pending -= count
  }

  #forget(nowMs: number): void {
    for (let first = this.#sent.first; first !== undefined && first.untilMs <= nowMs; first = this.#sent.first) {
      this.#sent.shift()
      if (first.stranger.pending > 0) this.#release(first.stranger, 1)
    }
    const { strangerMemoryMs, strangerCount } = datagramLimits
    for (const [address, { usedMs }] of this.#strangers) {
      if (nowMs - usedMs < strangerMemoryMs && this.#strangers.size <= strangerCount) break
      this.#strangers.delete(address)
    }
  }
}

function putLast<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
}
