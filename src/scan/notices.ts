import { grouped } from '../terminal/format.ts'
import { scanLimits } from './limits.ts'
import type { LivenessChange } from './pacing/host-liveness.ts'
import { pacingLimits } from './pacing/limits.ts'
import type { ProbeScheduler } from './pacing/scheduler.ts'
import type { DoubtReason, HostEvidence, ScanDoubt, ScanSummary } from './types.ts'

/** What a person is told when a host that had answered falls silent, is given up, or comes back. */
export function livenessSentence(address: string, change: LivenessChange): string {
  if (change === 'back') return `${address} answers again`
  if (change === 'gone') return `${address} does not come back: what was never tried there is tried once`
  return `${address} has stopped answering; it is waited for, ${pacingLimits.liveness.maxSilenceMs / 1000} s at most`
}

/** What a person is told of a host that accepts nearly every port. */
export function tarpitSentence(address: string, open: number, tried: number, isLeft: boolean): string {
  const what = `${address} accepts nearly every port (${grouped(open)} of ${grouped(tried)}), as tarpits and port spoofers do`
  return `${what}; ${isLeft ? 'its other ports are left' : '--stop-at-tarpit leaves it'}`
}

/** Hosts that accept nearly every port, and whether their other ports were left. */
export interface Tarpits {
  readonly addresses: readonly string[]
  readonly left: boolean
}

/** What a scheduler knows of its scan. */
export type ScanKnowledge = Pick<
  ProbeScheduler,
  'untriedCount' | 'expectedMissed' | 'evidence' | 'hasHeard' | 'tellingRate' | 'hostsThat'
>

/** Ports of a run that have no answer. */
export interface Shortcomings {
  readonly notScanned: number
  /** Our own system could not ask. */
  readonly errors: number
}

/**
 * What a reader of the result must know: what is missing, what is in doubt, and what could not be told apart. `stoppedBy`: the reason of
 * the signal that stopped the scan, if one did.
 */
export function summaryNotes(
  { notScanned, errors }: Shortcomings,
  scheduler: ScanKnowledge,
  tarpits: Tarpits,
  stoppedBy: unknown,
): ScanDoubt & Pick<ScanSummary, 'lasting'> {
  const unscanned: string[] = []
  const notes: string[] = []
  const { untriedCount, expectedMissed, evidence } = scheduler
  const unresponsive = scheduler.hostsThat('stopped-answering')
  const interrupted = isTimeUp(stoppedBy) ? 'the time was up' : 'the scan was interrupted'
  const unanswered = notScanned - untriedCount
  const why = [
    ...(stoppedBy === undefined ? [] : [interrupted]),
    ...(stoppedBy === undefined && unresponsive.length > 0 ? [`${list(unresponsive)} stopped answering`] : []),
    ...(tarpits.left && tarpits.addresses.length > 0 ? [`${list(tarpits.addresses)} was left as a tarpit`] : []),
  ]
  if (untriedCount > 0)
    unscanned.push(`${count(untriedCount, 'port')} not tried: the scan took far longer than the path allows for`)
  if (unanswered > 0) unscanned.push(`${count(unanswered, 'port')} without an answer: ${why.join(', ')}`)
  if (tarpits.addresses.length > 0)
    notes.push(`${list(tarpits.addresses)} accepts nearly every port: what is open there need be no service`)
  if (errors > 0) notes.push(`${count(errors, 'port')} could not be probed from this system`)
  notes.push(...doubtNotes(scheduler))
  const limited = scheduler.hostsThat('limit-refusals')
  if (limited.length > 0)
    notes.push(`closed and filtered could not be told apart on ${list(limited)}: refusals are limited`)
  const hasStopped = unresponsive.length > 0 && (unanswered === 0 || stoppedBy !== undefined)
  if (hasStopped)
    notes.push(`${list(unresponsive)} answered at first and then stopped: what was silent since may be open`)
  const refusing = scheduler.hostsThat('refuse-open-ports')
  if (refusing.length > 0)
    notes.push(`${list(refusing)} refused ports that are open: what was refused may be open; a lower --rate tells`)
  const isFounded = errors + refusing.length === 0 && expectedMissed < pacingLimits.scan.completeMissed
  const lasting = { complete: isFounded && !hasStopped, expectedMissed, evidence, notes }
  const complete = isFounded && notScanned + unresponsive.length === 0
  return { ...lasting, complete, notes: [...unscanned, ...notes], lasting }
}

/** What is in doubt after two runs over different ports. */
export function bothDoubts(one: ScanDoubt, other: ScanDoubt): ScanDoubt {
  const expectedMissed = one.expectedMissed + other.expectedMissed
  const evidence = new Map(one.evidence.map((each) => [each.host.address, each]))
  for (const each of other.evidence) {
    const { address } = each.host
    const before = evidence.get(address)
    evidence.set(address, before === undefined ? each : bothEvidence(before, each))
  }
  return {
    complete: one.complete && other.complete && expectedMissed < pacingLimits.scan.completeMissed,
    expectedMissed,
    evidence: [...evidence.values()],
    notes: [...new Set([...one.notes, ...other.notes])],
  }
}

function bothEvidence(one: HostEvidence, other: HostEvidence): HostEvidence {
  const [more, less] = one.expectedMissed > other.expectedMissed ? [one, other] : [other, one]
  const doubt = more.doubt ?? less.doubt
  return {
    host: one.host,
    silent: one.silent + other.silent,
    attempts: Math.max(one.attempts, other.attempts),
    references: one.references + other.references,
    // The share that made one doubt.
    lossShare: more.lossShare,
    expectedMissed: one.expectedMissed + other.expectedMissed,
    ...(doubt !== undefined && { doubt }),
  }
}

/** For each reason: how many ports are in doubt, where, why, what was tried, and what would tell. */
function doubtNotes(scheduler: ScanKnowledge): string[] {
  const rate = `--rate ${scheduler.tellingRate}`
  const byReason: Readonly<
    Record<DoubtReason, readonly [why: (hosts: readonly HostEvidence[]) => string, settles: string]>
  > = {
    unheard: [
      () => 'nothing at all was heard from there: off, out of reach or all filtered',
      'only a scan from elsewhere or at another time tells',
    ],
    'time-up': [(hosts) => `the time was up while ${lostShare(hosts)} was lost`, `${rate} tells`],
    lossy: [(hosts) => `${lostShare(hosts)} of what was sent to ports that answer was lost`, `${rate} tells`],
    'little-evidence': [() => 'too few ports answer there to tell silence from loss', `${rate} or more --retries tell`],
  }
  return Object.entries(byReason).flatMap(([reason, [why, settles]]) => {
    const hosts = scheduler.evidence.filter(({ doubt }) => doubt === reason)
    if (hosts.length === 0 || (reason === 'unheard' && !scheduler.hasHeard)) return []
    const ports = hosts.reduce((sum, { silent }) => sum + silent, 0)
    const missed = hosts.reduce((sum, { expectedMissed }) => sum + expectedMissed, 0)
    const attempts = Math.max(...hosts.map((one) => one.attempts))
    const where = list(hosts.map(({ host }) => host.address))
    const expected = `about ${missed < 0.1 ? missed.toFixed(2) : missed.toPrecision(2)} open ones expected among them`
    return [
      `${count(ports, 'silent port')} in doubt on ${where} (${expected}): ${why(hosts)}, tried up to ${attempts} times; ${settles}`,
    ]
  })
}

function lostShare(hosts: readonly HostEvidence[]): string {
  const most = Math.max(...hosts.map(({ lossShare }) => lossShare))
  return `${hosts.length > 1 ? 'up to ' : ''}${Math.round(most * 100)} %`
}

/** As AbortSignal.timeout() says it, and everyone who ends a scan because its time is over. */
function isTimeUp(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}

function count(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? '' : 's'}`
}

/** A few names, and how many more. */
function list(addresses: readonly string[]): string {
  const shown = addresses.slice(0, scanLimits.noticedAddresses).join(', ')
  const more = addresses.length - scanLimits.noticedAddresses
  return more > 0 ? `${shown} and ${more} more` : shown
}
