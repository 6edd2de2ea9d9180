import { summaryNotes } from '../../../src/scan/notices.ts'
import type { Probe, ProbeOutcome } from '../../../src/scan/pacing/probe-queue.ts'
import { type HostBehaviour, ProbeScheduler } from '../../../src/scan/pacing/scheduler.ts'
import type { ScanHost } from '../../../src/scan/types.ts'
import { Network, type SimulatedNetwork } from './emulated-network.ts'

export interface SimulationResult {
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
  /** What the summary would say. */
  readonly complete: boolean
  readonly notes: readonly string[]
  readonly expectedMissed: number
  /** Ended by itself, not by the bound of the simulation. */
  readonly ended: boolean
  /** Addresses of hosts that the summary of the scan speaks of. */
  readonly behaved: Readonly<Record<HostBehaviour, readonly string[]>>
}

interface Event {
  readonly atMs: number
  run(): void
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

/** Runs the scheduler against an emulated network, in virtual time. */
export function simulate(network: SimulatedNetwork): SimulationResult {
  const hosts: ScanHost[] = network.hosts.map((_, number) => ({ address: String(number), family: 4 }))
  const path = new Network(network)
  const agenda = new Agenda()
  const found = new Set<string>()
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
  const scheduler = new ProbeScheduler(
    { hosts, ports: network.ports, concurrency: 16_384, ...network.plan },
    0,
    (_, __, ___, confidence) => {
      if (confidence === 'host-gone' || confidence === 'untried') unheard++
      else silent++
      if (confidence === 'unsure') unsure++
    },
    (host, change) => told.push(`${host.number} ${change}`),
  )
  const cpuMs = network.cpuMs ?? 0.02
  for (let stepMs = 0; !scheduler.isDone && stepMs < 600_000; stepMs += 2) {
    nowMs = Math.max(stepMs, nowMs)
    for (let event = agenda.popUntil(nowMs); event !== undefined; event = agenda.popUntil(nowMs)) {
      event.run()
    }
    scheduler.advance(nowMs)
    for (let probe = scheduler.next(nowMs); probe !== undefined; probe = scheduler.next(nowMs)) {
      nowMs += cpuMs
      send(probe)
      if (nowMs > stepMs + 20) break
    }
  }

  function settle(probe: Probe, outcome: ProbeOutcome, atMs: number): void {
    const isFinal = scheduler.settled(probe, outcome, Math.max(nowMs, atMs))
    if (!isFinal) return
    if (outcome.kind === 'local') errors++
    else if (outcome.kind === 'answer' && outcome.is === 'open') found.add(`${probe.target.number}:${probe.port}`)
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
    const end = (outcome: ProbeOutcome, atMs: number): void => {
      if (isOver) return
      isOver = true
      inFlight--
      settle(probe, outcome, atMs)
    }
    const syn = (): void => {
      const answer = path.syn(probe.target.number, probe.port, nowMs)
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
  const total = network.hosts.length * network.ports.length
  const notScanned = total - found.size - closed - silent - errors
  const summary = summaryNotes({ notScanned, errors }, scheduler, { addresses: [], left: false }, undefined)
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
    complete: summary.complete && silent < total,
    notes: summary.notes,
    expectedMissed: scheduler.expectedMissed,
    ended: scheduler.isDone,
    behaved: {
      'limit-refusals': scheduler.hostsThat('limit-refusals'),
      'stopped-answering': scheduler.hostsThat('stopped-answering'),
      'refuse-open-ports': scheduler.hostsThat('refuse-open-ports'),
    },
  }
}
