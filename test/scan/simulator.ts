import { Pacing, type PacingPlan } from '../../src/scan/pacing/pacing.ts'
import type { Ending, Probe } from '../../src/scan/pacing/probe.ts'
import { Random } from '../../src/scan/pacing/random.ts'
import type { ScanHost } from '../../src/scan/types.ts'

type PortKind = 'open' | 'closed' | 'filtered' | 'rejected'

/** One emulated host and the path to it. Rates per second, loss as a share in each direction. */
export interface SimulatedHost {
  readonly open: readonly number[]
  /** What every other port is; closed unless said otherwise. */
  readonly others?: PortKind
  readonly filtered?: (port: number) => boolean
  readonly rttMs?: number
  readonly jitterMs?: number
  readonly loss?: number
  readonly synLimit?: number
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
  /** Losses come in bursts (Gilbert and Elliott): how often one begins and ends, a packet at a time; all is lost in one. */
  readonly bursts?: { readonly begin: number; readonly end: number }
}

/** What all hosts share, and what happens while the scan goes on. */
export interface SimulatedNetwork {
  readonly hosts: readonly SimulatedHost[]
  readonly ports: readonly number[]
  readonly bottleneck?: { readonly rate: number; readonly queue: number }
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

export interface Outcome {
  readonly seconds: number
  readonly probes: number
  readonly retries: number
  /** Open ports found, `host:port`, ascending by host and port. */
  readonly found: readonly string[]
  readonly missed: readonly string[]
  readonly closed: number
  readonly silent: number
  readonly unsure: number
  /** Ports left without an answer, as their host was gone. */
  readonly unheard: number
  /** Hosts that fell silent, are gone or came back, in order. */
  readonly told: readonly string[]
  readonly errors: number
  readonly pacing: Pacing
  readonly log: readonly string[]
}

interface Event {
  readonly atMs: number
  run(): void
}

class Bucket {
  #tokens: number
  #atMs = 0
  readonly #rate: number

  readonly #most: number

  constructor(rate: number, most = rate / 10) {
    this.#rate = rate
    this.#most = Math.max(1, most)
    this.#tokens = this.#most
  }

  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#most, this.#tokens + ((nowMs - this.#atMs) * this.#rate) / 1000)
    this.#atMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}

/** The network's side: what becomes of a SYN. */
class Network {
  readonly #network: SimulatedNetwork
  readonly #random: Random
  readonly #syn: (Bucket | undefined)[]
  readonly #refusal: (Bucket | undefined)[]
  readonly #inBurst: boolean[]
  readonly #used = new Set<string>()
  readonly #syns: number[]
  #linkFreeMs = 0

  constructor(network: SimulatedNetwork) {
    this.#network = network
    this.#random = new Random(network.seed * 2654435761)
    this.#syn = network.hosts.map(({ synLimit, synBurst }) =>
      synLimit === undefined ? undefined : new Bucket(synLimit, synBurst),
    )
    this.#inBurst = network.hosts.map(() => false)
    this.#syns = network.hosts.map(() => 0)
    this.#refusal = network.hosts.map(({ refusalLimit: limit }) =>
      limit === undefined ? undefined : new Bucket(limit),
    )
  }

  #chance(): number {
    return this.#random.below(1_000_000) / 1_000_000
  }

  #isOpen(number: number, { open, opensOnce }: SimulatedHost, port: number): boolean {
    if (!open.includes(port)) return false
    const key = `${number}:${port}`
    const isUsed = opensOnce === true && this.#used.has(key)
    this.#used.add(key)
    return !isUsed
  }

  #isLost(number: number, { loss = 0, bursts }: SimulatedHost): boolean {
    if (bursts !== undefined) {
      const changes = this.#chance() < (this.#inBurst[number] === true ? bursts.end : bursts.begin)
      if (changes) this.#inBurst[number] = this.#inBurst[number] !== true
      if (this.#inBurst[number] === true) return true
    }
    return this.#chance() < loss
  }

  /** When and how a SYN sent now is answered; undefined: never. */
  syn(number: number, port: number, nowMs: number): { atMs: number; is: 'open' | 'refused' | 'other' } | undefined {
    const host = this.#network.hosts[number]
    const { bottleneck, outageMs, slower } = this.#network
    if (host === undefined || this.#isLost(number, host)) return undefined
    if (outageMs !== undefined && nowMs >= outageMs[0] && nowMs < outageMs[1]) return undefined
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
    const isAbove = this.#syn[number]?.take(atMs) === false
    if (isAbove && host.refusesAbove === true) return { atMs: atMs + (host.rttMs ?? 0.1), is: 'refused' }
    if (isAbove) return undefined
    const kind = this.#isOpen(number, host, port)
      ? 'open'
      : host.filtered?.(port)
        ? 'filtered'
        : (host.others ?? 'closed')
    if (kind === 'filtered') return undefined
    if (kind !== 'open' && this.#refusal[number]?.take(atMs) === false) return undefined
    if (this.#isLost(number, host)) return undefined
    if (host.slowPathMs !== undefined && this.#chance() < 0.5) atMs += host.slowPathMs
    atMs += (host.rttMs ?? 0.1) + this.#chance() * (host.jitterMs ?? 0)
    if (slower !== undefined && nowMs >= slower.fromMs) atMs += slower.byMs
    return { atMs, is: kind === 'open' ? 'open' : kind === 'closed' ? 'refused' : 'other' }
  }
}

/** Binary heap on `atMs`. */
class Agenda {
  readonly #heap: Event[] = []

  push(event: Event): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    for (let up = (at - 1) >> 1; at > 0 && at_(heap, up) > event.atMs; at = up, up = (at - 1) >> 1)
      heap[at] = heap[up] as Event
    heap[at] = event
  }

  popUntil(nowMs: number): Event | undefined {
    const heap = this.#heap
    const top = heap[0]
    if (top === undefined || top.atMs > nowMs) return undefined
    const last = heap.pop() as Event
    if (heap.length === 0) return top
    let at = 0
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (down + 1 < heap.length && at_(heap, down + 1) < at_(heap, down)) down++
      if (at_(heap, down) >= last.atMs) break
      heap[at] = heap[down] as Event
      at = down
    }
    heap[at] = last
    return top
  }
}

function at_(heap: readonly Event[], index: number): number {
  return heap[index]?.atMs ?? Number.POSITIVE_INFINITY
}

/** The kernel's first SYN retransmission, while a socket is left open. */
const RETRANSMIT_MS = 1000

/** Runs the pacing against an emulated network, in virtual time. */
export function simulate(network: SimulatedNetwork, traceMs?: number): Outcome {
  const hosts: ScanHost[] = network.hosts.map((_, number) => ({ address: String(number), family: 4 }))
  const path = new Network(network)
  const agenda = new Agenda()
  const found = new Set<string>()
  const log: string[] = []
  let closed = 0
  let silent = 0
  let unsure = 0
  let unheard = 0
  const told: string[] = []
  let errors = 0
  let probes = 0
  let retries = 0
  let inFlight = 0
  let nowMs = 0
  const pacing = new Pacing(
    { hosts, ports: network.ports, concurrency: 16_384, ...network.plan },
    0,
    (_, __, ___, trust) => {
      if (trust === 'unheard') unheard++
      else silent++
      if (trust === 'unsure') unsure++
    },
    (track, presence) => told.push(`${track.number} ${presence}`),
  )
  const cpuMs = network.cpuMs ?? 0.02
  for (let stepMs = 0; !pacing.isDone && stepMs < 600_000; stepMs += 2) {
    nowMs = Math.max(stepMs, nowMs)
    for (let event = agenda.popUntil(nowMs); event !== undefined; event = agenda.popUntil(nowMs)) {
      event.run()
    }
    pacing.advance(nowMs)
    if (traceMs !== undefined && stepMs % traceMs === 0)
      log.push(
        `${stepMs} ms rate ${pacing.rate.toFixed(0)} found ${found.size} silent ${silent} closed ${closed} probes ${probes} limit ${pacing.control.limit?.toFixed(0)} asking ${pacing.control.isAsking} loss ${pacing.control.randomLoss.toFixed(3)}`,
      )
    for (let probe = pacing.next(nowMs); probe !== undefined; probe = pacing.next(nowMs)) {
      nowMs += cpuMs
      send(probe)
      if (nowMs > stepMs + 20) break
    }
  }

  function settle(probe: Probe, ending: Ending, atMs: number): void {
    const isFinal = pacing.settled(probe, ending, Math.max(nowMs, atMs))
    if (!isFinal) return
    if (ending.kind === 'local') errors++
    else if (ending.kind === 'answer' && ending.is === 'open') found.add(`${probe.track.number}:${probe.port}`)
    else closed++
  }

  function send(probe: Probe): void {
    if (inFlight >= (network.descriptors ?? Number.POSITIVE_INFINITY)) {
      settle(probe, { kind: 'local', shortage: true }, nowMs)
      return
    }
    inFlight++
    probes++
    if (probe.purpose === 'retry') retries++
    const sentMs = nowMs
    let isOver = false
    const end = (ending: Ending, atMs: number): void => {
      if (isOver) return
      isOver = true
      inFlight--
      settle(probe, ending, atMs)
    }
    const syn = (): void => {
      const answer = path.syn(probe.track.number, probe.port, nowMs)
      if (answer === undefined) return
      const { atMs, is } = answer
      agenda.push({ atMs, run: () => end({ kind: 'answer', is, rttMs: atMs - sentMs }, atMs) })
    }
    syn()
    if (probe.timeoutMs > RETRANSMIT_MS) agenda.push({ atMs: sentMs + RETRANSMIT_MS, run: () => isOver || syn() })
    const deadlineMs = sentMs + probe.timeoutMs
    agenda.push({ atMs: deadlineMs, run: () => end({ kind: 'silence' }, deadlineMs) })
  }

  const all = network.hosts.flatMap(({ open }, number) => open.map((port) => `${number}:${port}`))
  const missed = all.filter((port) => !found.has(port))
  return {
    seconds: nowMs / 1000,
    probes,
    retries,
    found: [...found],
    missed,
    closed,
    silent,
    unsure,
    unheard,
    told,
    errors,
    pacing,
    log,
  }
}
