import { Random } from '../../src/base/random.ts'
import type { SimulatedHost, SimulatedNetwork } from '../../test/scan/pacing/emulated-network.ts'

/*
 * A generator of random networks for the pacing of the scan. Every dimension is drawn on its own, so that any two meet now and then; what
 * hosts of one network usually have in common (the path's loss, the firewall's policy) is drawn once and varied. The weights below are
 * the whole of it: each list is `[weight, what]`, and a weight counts against the sum of its list.
 */

type Weighted<T> = readonly (readonly [weight: number, what: T])[]
type Range = readonly [from: number, to: number]

/** What is drawn, and how often. Rates per second, times in milliseconds, loss in each direction, ranges drawn on a logarithmic scale. */
export const weights = {
  hostCount: [
    [40, [1, 1]],
    [25, [2, 4]],
    [35, [5, 20]],
  ],
  /** Ports of all hosts together at most, so that a thousand networks can be scanned in a quarter of an hour. */
  portCount: [
    [5, [1, 8]],
    [20, [10, 300]],
    [55, [300, 3_000]],
    [20, [3_000, 10_000]],
  ],
  maxPorts: 20_000,
  /** Open ports of a host, of each thousand at most 300. */
  open: [
    [3, [0, 0]],
    [45, [1, 5]],
    [35, [5, 30]],
    [15, [30, 150]],
  ],
  /** Where they are: anywhere, or the ones that scanners try first. */
  openIsPopular: 0.2,
  /** What the other ports are. */
  others: [
    [45, 'closed'],
    [40, 'filtered'],
    [7, 'rejected'],
    [8, 'half-filtered'],
  ],
  /** A host is off, or drops everything. */
  isDead: 0.004,
  rttMs: [
    [15, [0.05, 1]],
    [35, [1, 30]],
    [35, [30, 150]],
    [12, [150, 400]],
    [3, [400, 1_300]],
  ],
  /** Jitter as a share of the round trip. */
  jitterShare: [
    [40, [0.001, 0.01]],
    [40, [0.01, 0.3]],
    [20, [0.3, 1]],
  ],
  slowPath: 0.04,
  slowPathMs: [20, 200],
  /** The path's loss. */
  loss: [
    [55, [0, 0]],
    [25, [0.0005, 0.02]],
    [15, [0.02, 0.1]],
    [5, [0.1, 0.25]],
  ],
  bursts: 0.05,
  burstBegin: [0.0005, 0.005],
  burstEnd: [0.01, 0.1],
  lossWhile: 0.06,
  lossWhileMs: [300, 5_000],
  lossWhileLoss: [0.1, 0.6],
  every: 0.01,
  /** A network of which hosts have SYN limits, and how many of them. */
  synLimit: 0.3,
  synLimitHosts: 0.5,
  synLimitRate: [80, 4_000],
  /** Its burst in seconds. */
  synBurstSeconds: [0.02, 2],
  synLimitLater: 0.1,
  /** What is above is refused instead of dropped. */
  refusesAbove: 0.005,
  refusalLimit: 0.22,
  refusalLimitRate: [1, 1_000],
  ban: 0.01,
  banSynRate: [300, 5_000],
  banMs: [1_000, 8_000],
  bottleneck: 0.2,
  bottleneckRate: [300, 20_000],
  bottleneckQueue: [10, 5_000],
  policer: 0.08,
  policerRate: [200, 10_000],
  policerBurstSeconds: [0.02, 1],
  outage: 0.12,
  outageHost: 0.04,
  outageFromMs: [1, 6_000],
  outageMs: [100, 12_000],
  /** A host that goes away for good. */
  gone: 0.001,
  slower: 0.04,
  slowerByMs: [50, 500],
  descriptors: 0.04,
  descriptorCount: [30, 1_000],
  slowProcessor: 0.1,
  slowProcessorMs: [0.05, 0.5],
} as const satisfies Record<string, number | Range | Weighted<Range | string>>

/** Draws by weight and from ranges; a seed gives the same draws in every run. */
class Draw {
  readonly #random: Random

  constructor(seed: number) {
    // The generator's first numbers are alike for seeds that are: mixed (Knuth's multiplicative hash), and a few left out.
    this.#random = new Random(Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995)
    for (let each = 0; each < 8; each++) this.#random.next()
  }

  happens(chance: number): boolean {
    return this.#random.next() < chance
  }

  of<T>(list: Weighted<T>): T {
    let left = this.#random.next() * list.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, what] of list) {
      left -= weight
      if (left < 0) return what
    }
    throw new Error('an empty list')
  }

  /** Uniform on a logarithmic scale. */
  within([from, to]: Range): number {
    return from === to ? from : Math.exp(Math.log(from) + this.#random.next() * Math.log(to / from))
  }

  whole(range: Range): number {
    return Math.round(this.within(range))
  }

  below(bound: number): number {
    return this.#random.below(bound)
  }
}

/** A random network; the same for the same seed. */
export function randomNetwork(seed: number): SimulatedNetwork {
  const draw = new Draw(seed)
  const hostCount = draw.whole(draw.of<Range>(weights.hostCount))
  const portCount = Math.min(draw.whole(draw.of<Range>(weights.portCount)), Math.floor(weights.maxPorts / hostCount))
  const ports = portNumbers(draw, portCount)
  const path: PathTraits = {
    loss: draw.within(draw.of<Range>(weights.loss)),
    others: draw.of<OtherPorts>(weights.others),
    hasSynLimits: draw.happens(weights.synLimit),
    hasRefusalLimits: draw.happens(weights.refusalLimit),
  }
  const hosts = Array.from({ length: hostCount }, () => randomHost(draw, ports, path))
  const fromMs = draw.within(weights.outageFromMs)
  return {
    hosts,
    ports,
    seed,
    ...(draw.happens(weights.bottleneck) && {
      bottleneck: { rate: draw.whole(weights.bottleneckRate), queue: draw.whole(weights.bottleneckQueue) },
    }),
    ...(draw.happens(weights.policer) && { policer: randomPolicer(draw) }),
    ...(draw.happens(weights.outage) && { outageMs: [fromMs, fromMs + draw.within(weights.outageMs)] as const }),
    ...(draw.happens(weights.slower) && {
      slower: { fromMs: draw.within(weights.outageFromMs), byMs: draw.within(weights.slowerByMs) },
    }),
    ...(draw.happens(weights.descriptors) && { descriptors: draw.whole(weights.descriptorCount) }),
    ...(draw.happens(weights.slowProcessor) && { cpuMs: draw.within(weights.slowProcessorMs) }),
  }
}

type OtherPorts = 'closed' | 'filtered' | 'rejected' | 'half-filtered'

/** What the hosts of a network have in common. */
interface PathTraits {
  readonly loss: number
  readonly others: OtherPorts
  readonly hasSynLimits: boolean
  readonly hasRefusalLimits: boolean
}

function randomPolicer(draw: Draw): { rate: number; burst: number } {
  const rate = draw.whole(weights.policerRate)
  return { rate, burst: Math.max(1, rate * draw.within(weights.policerBurstSeconds)) }
}

/** From 1 on, or the ones that scanners try first with others between. */
function portNumbers(draw: Draw, count: number): number[] {
  const first = draw.happens(0.7) ? 1 : 1 + draw.below(65_536 - count)
  return Array.from({ length: count }, (_, index) => first + index)
}

function randomHost(draw: Draw, ports: readonly number[], path: PathTraits): SimulatedHost {
  if (draw.happens(weights.isDead)) return { open: [], others: 'filtered' }
  const rttMs = draw.within(draw.of<Range>(weights.rttMs))
  // Two hosts of three are like the path says; the third has a policy and a loss of its own.
  const others = draw.happens(0.67) ? path.others : draw.of<OtherPorts>(weights.others)
  const loss = draw.happens(0.67) ? path.loss : draw.within(draw.of<Range>(weights.loss))
  const outageFromMs = draw.within(weights.outageFromMs)
  const outageToMs = outageFromMs + draw.within(weights.outageMs)
  const isGone = draw.happens(weights.gone)
  return {
    open: openPorts(draw, ports),
    others: others === 'half-filtered' ? 'closed' : others,
    ...(others === 'half-filtered' && { filtered: randomFilter(draw, ports) }),
    rttMs,
    jitterMs: rttMs * draw.within(draw.of<Range>(weights.jitterShare)),
    loss,
    ...(path.hasSynLimits && draw.happens(weights.synLimitHosts) && randomSynLimit(draw)),
    ...(path.hasRefusalLimits && { refusalLimit: draw.whole(weights.refusalLimitRate) }),
    ...(draw.happens(weights.slowPath) && { slowPathMs: draw.within(weights.slowPathMs) }),
    ...(draw.happens(weights.bursts) && {
      bursts: { begin: draw.within(weights.burstBegin), end: draw.within(weights.burstEnd) },
    }),
    ...(draw.happens(weights.lossWhile) && { lossWhile: randomLossWhile(draw) }),
    ...(draw.happens(weights.every) && { every: 2 + draw.below(2) }),
    ...(draw.happens(weights.ban) && {
      ban: { synRate: draw.whole(weights.banSynRate), forMs: draw.within(weights.banMs) },
    }),
    ...((isGone || draw.happens(weights.outageHost)) && {
      outageMs: [outageFromMs, isGone ? Number.POSITIVE_INFINITY : outageToMs] as const,
    }),
  }
}

function openPorts(draw: Draw, ports: readonly number[]): number[] {
  const most = Math.ceil(ports.length * 0.3)
  const count = Math.min(draw.whole(draw.of<Range>(weights.open)), most)
  const chosen = new Set<number>()
  const popular = [80, 443, 22, 21, 25, 53, 110, 143, 3306, 8080].filter((port) => ports.includes(port))
  while (chosen.size < count) {
    const isPopular = popular.length > chosen.size && draw.happens(weights.openIsPopular)
    const from = isPopular ? popular : ports
    chosen.add(from[draw.below(from.length)] ?? 0)
  }
  return [...chosen].sort((a, b) => a - b)
}

function randomFilter(draw: Draw, ports: readonly number[]): { first: number; last: number; step: number } {
  const first = ports[draw.below(ports.length)] ?? 0
  const last = ports[draw.below(ports.length)] ?? 0
  return { first: Math.min(first, last), last: Math.max(first, last), step: 1 + draw.below(3) }
}

function randomSynLimit(draw: Draw): Partial<SimulatedHost> {
  const synLimit = draw.whole(weights.synLimitRate)
  return {
    synLimit,
    synBurst: Math.max(1, synLimit * draw.within(weights.synBurstSeconds)),
    ...(draw.happens(weights.synLimitLater) && {
      synLimitLater: { fromMs: draw.within(weights.outageFromMs), rate: draw.whole(weights.synLimitRate) },
    }),
    ...(draw.happens(weights.refusesAbove) && { refusesAbove: true }),
  }
}

function randomLossWhile(draw: Draw): { fromMs: number; toMs: number; loss: number } {
  const fromMs = draw.within(weights.outageFromMs)
  return { fromMs, toMs: fromMs + draw.within(weights.lossWhileMs), loss: draw.within(weights.lossWhileLoss) }
}
