import { Random } from '../../../src/base/random.ts'
import { TokenBucket } from '../../../src/base/token-bucket.ts'
import type { PacingPlan } from '../../../src/scan/pacing/scheduler.ts'

type PortKind = 'open' | 'closed' | 'filtered' | 'rejected'

/** One emulated host and the path to it: plain data, as it goes to another thread. Rates per second, loss as a share in each direction. */
export interface SimulatedHost {
  readonly open: readonly number[]
  /** What every other port is; closed unless said otherwise. */
  readonly others?: PortKind
  /** These ports are filtered: each `step`-th one from the first to the last. */
  readonly filtered?: { readonly first: number; readonly last: number; readonly step: number }
  readonly rttMs?: number
  readonly jitterMs?: number
  readonly loss?: number
  /** While it lasts, so much more is lost in each direction. */
  readonly lossWhile?: { readonly fromMs: number; readonly toMs: number; readonly loss: number }
  readonly synLimit?: number
  /** From then on the SYN limit is another one. */
  readonly synLimitLater?: { readonly fromMs: number; readonly rate: number }
  readonly refusalLimit?: number
  /** SYNs that a limit lets through at once; a tenth of a second's worth unless said otherwise. */
  readonly synBurst?: number
  /** What is above the SYN limit is refused instead of dropped, open ports included. */
  readonly refusesAbove?: boolean
  /** A port is open for one connection and closed from then on. */
  readonly opensOnce?: boolean
  /** Only each n-th SYN is answered at all. */
  readonly every?: number
  /** Half of the connections take a path that is slower by this much. */
  readonly slowPathMs?: number
  /** Nothing of this host passes from the first to the second, in milliseconds. */
  readonly outageMs?: readonly [number, number]
  /** Who sends more SYNs than this within a second hears nothing for so long (an intrusion prevention system). */
  readonly ban?: { readonly synRate: number; readonly forMs: number }
  /** Losses come in bursts (Gilbert and Elliott): how often one begins and ends, a packet at a time; all is lost in one. */
  readonly bursts?: { readonly begin: number; readonly end: number }
}

/** What all hosts share, and what happens while the scan goes on. */
export interface SimulatedNetwork {
  readonly hosts: readonly SimulatedHost[]
  readonly ports: readonly number[]
  readonly bottleneck?: { readonly rate: number; readonly queue: number }
  /** A token bucket for all hosts together, which drops what is above. */
  readonly policer?: { readonly rate: number; readonly burst: number }
  /** Nothing passes from the first to the second, in milliseconds. */
  readonly outageMs?: readonly [number, number]
  /** From then on every round trip takes this much longer. */
  readonly slower?: { readonly fromMs: number; readonly byMs: number }
  /** Attempts our own side can have under way; one more is refused with a shortage. */
  readonly descriptors?: number
  /** What one probe costs our own processor, in milliseconds. */
  readonly cpuMs?: number
  readonly plan?: Partial<PacingPlan>
  readonly seed: number
}

/** A token bucket that lets a tenth of a second's worth through at once unless said otherwise. */
function bucket(rate: number, burst = rate / 10): TokenBucket {
  return new TokenBucket(rate, Math.max(1, burst), 0)
}

function isWithin(spanMs: readonly [number, number] | undefined, nowMs: number): boolean {
  return spanMs !== undefined && nowMs >= spanMs[0] && nowMs < spanMs[1]
}

function isFiltered({ filtered }: SimulatedHost, port: number): boolean {
  if (filtered === undefined || port < filtered.first || port > filtered.last) return false
  return (port - filtered.first) % filtered.step === 0
}

/** The network's side: what becomes of a SYN. */
export class Network {
  readonly #network: SimulatedNetwork
  readonly #random: Random
  readonly #syn: (TokenBucket | undefined)[]
  readonly #refusal: (TokenBucket | undefined)[]
  readonly #inBurst: boolean[]
  readonly #used = new Set<string>()
  readonly #syns: number[]
  readonly #policer: TokenBucket | undefined
  readonly #bannedUntilMs: number[]
  readonly #banBuckets: (TokenBucket | undefined)[]
  #linkFreeMs = 0

  constructor(network: SimulatedNetwork) {
    this.#network = network
    this.#random = new Random(network.seed * 2654435761)
    this.#syn = network.hosts.map(({ synLimit, synBurst }) =>
      synLimit === undefined ? undefined : bucket(synLimit, synBurst),
    )
    this.#inBurst = network.hosts.map(() => false)
    this.#syns = network.hosts.map(() => 0)
    this.#refusal = network.hosts.map(({ refusalLimit: limit }) => (limit === undefined ? undefined : bucket(limit)))
    const { policer } = network
    this.#policer = policer && bucket(policer.rate, policer.burst)
    this.#bannedUntilMs = network.hosts.map(() => 0)
    this.#banBuckets = network.hosts.map(({ ban }) => ban && bucket(ban.synRate, ban.synRate))
  }

  #chance(): number {
    return this.#random.below(1_000_000) / 1_000_000
  }

  #isOpen(number: number, { open, opensOnce }: SimulatedHost, port: number): boolean {
    if (!open.includes(port)) return false
    if (opensOnce !== true) return true
    const key = `${number}:${port}`
    const isUsed = this.#used.has(key)
    this.#used.add(key)
    return !isUsed
  }

  #isLost(number: number, { loss = 0, bursts, lossWhile }: SimulatedHost, nowMs: number): boolean {
    if (bursts !== undefined) {
      const changes = this.#chance() < (this.#inBurst[number] === true ? bursts.end : bursts.begin)
      if (changes) this.#inBurst[number] = this.#inBurst[number] !== true
      if (this.#inBurst[number] === true) return true
    }
    const isWorse = lossWhile !== undefined && nowMs >= lossWhile.fromMs && nowMs < lossWhile.toMs
    return this.#chance() < loss || (isWorse && this.#chance() < lossWhile.loss)
  }

  #isBanned(number: number, { ban }: SimulatedHost, nowMs: number): boolean {
    if (ban === undefined) return false
    if (nowMs < (this.#bannedUntilMs[number] ?? 0)) return true
    if (this.#banBuckets[number]?.tryTake(nowMs) !== false) return false
    this.#bannedUntilMs[number] = nowMs + ban.forMs
    return true
  }

  #isAboveLimit(number: number, { synLimitLater }: SimulatedHost, atMs: number): boolean {
    const limit = this.#syn[number]
    if (limit === undefined) return false
    if (synLimitLater !== undefined && atMs >= synLimitLater.fromMs && limit.ratePerSecond !== synLimitLater.rate)
      limit.setRate(synLimitLater.rate, Math.max(1, synLimitLater.rate / 10), atMs)
    return !limit.tryTake(atMs)
  }

  /** When and how a SYN sent now is answered; undefined: never. */
  syn(number: number, port: number, nowMs: number): { atMs: number; is: 'open' | 'refused' | 'other' } | undefined {
    const host = this.#network.hosts[number]
    const { bottleneck, outageMs, slower } = this.#network
    if (host === undefined || this.#isLost(number, host, nowMs)) return undefined
    if (isWithin(outageMs, nowMs) || isWithin(host.outageMs, nowMs)) return undefined
    if (this.#policer?.tryTake(nowMs) === false) return undefined
    let atMs = nowMs
    if (bottleneck !== undefined) {
      const free = Math.max(this.#linkFreeMs, nowMs)
      if (((free - nowMs) * bottleneck.rate) / 1000 > bottleneck.queue) return undefined
      this.#linkFreeMs = free + 1000 / bottleneck.rate
      atMs = this.#linkFreeMs
    }
    const turn = (this.#syns[number] ?? 0) + 1
    this.#syns[number] = turn
    if (turn % (host.every ?? 1) !== 0) return undefined
    if (this.#isBanned(number, host, atMs)) return undefined
    const isAbove = this.#isAboveLimit(number, host, atMs)
    if (isAbove && host.refusesAbove === true) return { atMs: atMs + (host.rttMs ?? 0.1), is: 'refused' }
    if (isAbove) return undefined
    const kind = this.#isOpen(number, host, port)
      ? 'open'
      : isFiltered(host, port)
        ? 'filtered'
        : (host.others ?? 'closed')
    if (kind === 'filtered') return undefined
    if (kind !== 'open' && this.#refusal[number]?.tryTake(atMs) === false) return undefined
    if (this.#isLost(number, host, nowMs)) return undefined
    if (host.slowPathMs !== undefined && this.#chance() < 0.5) atMs += host.slowPathMs
    atMs += (host.rttMs ?? 0.1) + this.#chance() * (host.jitterMs ?? 0)
    if (slower !== undefined && nowMs >= slower.fromMs) atMs += slower.byMs
    return { atMs, is: kind === 'open' ? 'open' : kind === 'closed' ? 'refused' : 'other' }
  }
}
