import { grouped } from '../terminal/format.ts'
import { scanLimits } from './limits.ts'
import type { LivenessChange } from './pacing/host-liveness.ts'
import { pacingLimits } from './pacing/limits.ts'
import type { ProbeScheduler } from './pacing/scheduler.ts'
import type { ScanSummary } from './types.ts'

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

/** Ports of a run that have no answer to be trusted. */
export interface Shortcomings {
  readonly notScanned: number
  /** Our own system could not ask. */
  readonly errors: number
  /** Silent, and too much was lost on the way to call them filtered. */
  readonly unsure: number
}

/**
 * What a reader of the result must know: what is missing, and what could not be told apart. `stoppedBy`: the reason of
 * the signal that stopped the scan, if one did.
 */
export function summaryNotes(
  { notScanned, errors, unsure }: Shortcomings,
  scheduler: ProbeScheduler,
  tarpits: Tarpits,
  stoppedBy: unknown,
): Pick<ScanSummary, 'complete' | 'notes'> {
  const notes: string[] = []
  const unresponsive = scheduler.hostsThat('stopped-answering')
  const interrupted = isTimeUp(stoppedBy) ? 'the time was up' : 'the scan was interrupted'
  const why = [
    ...(stoppedBy === undefined ? [] : [interrupted]),
    ...(stoppedBy === undefined && unresponsive.length > 0 ? [`${list(unresponsive)} stopped answering`] : []),
    ...(tarpits.left && tarpits.addresses.length > 0 ? [`${list(tarpits.addresses)} was left as a tarpit`] : []),
  ]
  if (notScanned > 0) notes.push(`${count(notScanned, 'port')} without an answer: ${why.join(', ')}`)
  if (tarpits.addresses.length > 0)
    notes.push(`${list(tarpits.addresses)} accepts nearly every port: what is open there need be no service`)
  if (errors > 0) notes.push(`${count(errors, 'port')} could not be probed from this system`)
  if (unsure > 0) notes.push(`${count(unsure, 'port')} stayed silent while much was lost on the way; some may be open`)
  const limited = scheduler.hostsThat('limit-refusals')
  if (limited.length > 0)
    notes.push(`closed and filtered could not be told apart on ${list(limited)}: refusals are limited`)
  if (unresponsive.length > 0 && (notScanned === 0 || stoppedBy !== undefined))
    notes.push(`${list(unresponsive)} answered at first and then stopped: what was silent since may be open`)
  const refusing = scheduler.hostsThat('refuse-open-ports')
  if (refusing.length > 0)
    notes.push(`${list(refusing)} refused ports that are open: what was refused may be open; a lower --rate tells`)
  const problems = notScanned + errors + unsure + unresponsive.length + refusing.length
  return { complete: problems === 0, notes }
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
