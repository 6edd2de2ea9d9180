import type { SimulatedHost, SimulatedNetwork } from '../../test/scan/pacing/emulated-network.ts'

/*
 * The time of a scan with perfect knowledge of the limits: it knows each host's loss, round trip and limits and the path's, and sends as
 * fast as the narrowest of them from the first probe on. It doesn't know which ports are open, nor what will go wrong while it runs, so
 * that it asks silent ports as often as one has to who must be sure: twice at least, and with loss until fewer than a hundredth of an open
 * port is expected to be missed. A closed port whose host holds its refusals back is silent to it too.
 */

/** Attempts below which nobody can believe silence. */
const minAttempts = 2
/** Expected missed open ports of a scan that may call itself complete. */
const missedAtMost = 0.01
/** RFC 6298's timeout before the first sample, and what is waited at least. */
const unknownTimeoutMs = 1_000
const minTimeoutMs = 100
/** A host that goes away for good is waited for, as it may come back (docs/scan-output.md). */
const waitForGoneMs = 40_000
/** While no answer at all comes from anywhere, nobody knows what the path bears: so fast, out of politeness. */
const blindRate = 5_000

/** Milliseconds that such a scan takes. */
export function idealMs(network: SimulatedNetwork): number {
  const { hosts, bottleneck, policer, cpuMs = 0.02, descriptors = 16_384 } = network
  const openCount = hosts.reduce((sum, { open }) => sum + open.length, 0)
  const works = hosts.map((host) => hostWork(host, network, openCount))
  const probes = works.reduce((sum, work) => sum + work.probes, 0)
  const isBlind = works.every(({ answers }) => answers === 0)
  const waitMs = works.reduce((sum, work) => sum + work.waitedMs, 0) / descriptors
  const sharedMs = Math.max(
    probes * cpuMs,
    waitMs,
    bottleneck === undefined ? 0 : (probes * 1_000) / bottleneck.rate,
    policer === undefined ? 0 : (Math.max(0, probes - policer.burst) * 1_000) / policer.rate,
    isBlind ? (probes * 1_000) / blindRate : 0,
  )
  const sendingMs = Math.max(sharedMs, ...works.map(({ sendMs, firstMs }) => Math.max(sendMs, firstMs)))
  let ms = sendingMs + Math.max(...works.map(({ tailMs }) => tailMs))
  const outages = [network.outageMs, ...hosts.map(({ outageMs }) => outageMs)].filter((one) => one !== undefined)
  for (const [fromMs, toMs] of outages.toSorted(([a], [b]) => a - b))
    if (ms > fromMs) ms = Math.max(ms, Math.min(toMs - fromMs, waitForGoneMs) + ms)
  return ms + (network.slower !== undefined && ms > network.slower.fromMs ? network.slower.byMs : 0)
}

interface HostWork {
  readonly probes: number
  readonly answers: number
  /** What its own limit makes of that. */
  readonly sendMs: number
  /** Until it is known that the first silent port is silent. */
  readonly firstMs: number
  /** Until the last of its probes is answered or missed. */
  readonly tailMs: number
  /** All its probes' waits together: sockets that are in use. */
  readonly waitedMs: number
}

function hostWork(host: SimulatedHost, { ports }: SimulatedNetwork, openCount: number): HostWork {
  const { open, others = 'closed', filtered, refusalLimit, synLimit, synBurst, rttMs = 0.1, jitterMs = 0 } = host
  const lost = lossOf(host)
  const filteredCount = filtered === undefined ? 0 : Math.floor((filtered.last - filtered.first) / filtered.step) + 1
  const refusing = others === 'filtered' ? 0 : Math.max(0, ports.length - open.length - filteredCount)
  const silent = ports.length - open.length - refusing
  const attempts = attemptsToBeSure(lost, Math.max(1, openCount))
  const withRefusals = open.length + refusing + silent * attempts
  const answered = (open.length + refusing) / (1 - lost)
  const slowestRate = Math.min(
    synLimit ?? Number.POSITIVE_INFINITY,
    host.synLimitLater?.rate ?? Number.POSITIVE_INFINITY,
  )
  const rate = synLimit === undefined ? Number.POSITIVE_INFINITY : slowestRate
  const burst = synLimit === undefined ? 0 : (synBurst ?? synLimit / 10)
  const time = (probes: number): number =>
    rate === Number.POSITIVE_INFINITY ? 0 : (Math.max(0, probes - burst) * 1_000) / rate
  // Held back refusals: wait for them, or take them for silence, whatever is faster.
  const patient = {
    probes: answered + silent * attempts,
    ms: refusalLimit === undefined ? 0 : (refusing * 1_000) / refusalLimit,
  }
  const impatient = { probes: withRefusals + refusing * (attempts - 1), ms: 0 }
  const isPatient = Math.max(time(patient.probes), patient.ms) <= time(impatient.probes) || refusalLimit === undefined
  const { probes, ms } = isPatient ? patient : impatient
  const heard = open.length + refusing
  const timeoutMs = heard === 0 ? unknownTimeoutMs : Math.max(minTimeoutMs, rttMs + jitterMs)
  const isSilent = silent > 0 || !isPatient
  const asks = isSilent ? attempts : roundsToHear(lost, heard)
  return {
    probes,
    answers: heard,
    sendMs: Math.max(time(probes), ms),
    firstMs: isSilent ? unknownTimeoutMs : 0,
    tailMs: isSilent ? (asks - 1) * timeoutMs : asks === 1 ? rttMs + jitterMs : asks * timeoutMs,
    waitedMs: (probes - heard) * timeoutMs + heard * rttMs,
  }
}

/** The chance that a probe or its answer is lost, on average. */
function lossOf({ loss = 0, bursts, every = 1 }: SimulatedHost): number {
  const inBurst = bursts === undefined ? 0 : bursts.begin / (bursts.begin + bursts.end)
  const passes = (1 - loss) * (1 - inBurst)
  return Math.min(0.95, 1 - (passes * passes) / every)
}

function attemptsToBeSure(lost: number, openCount: number): number {
  if (lost === 0) return minAttempts
  return Math.max(minAttempts, Math.ceil(Math.log(missedAtMost / openCount) / Math.log(lost)))
}

/** Rounds until all of so many ports that answer have been heard, as a rule. */
function roundsToHear(lost: number, ports: number): number {
  return lost === 0 ? 1 : Math.max(1, Math.ceil(Math.log(0.5 / ports) / Math.log(lost)))
}
