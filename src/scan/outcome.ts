import { getSystemErrorName } from 'node:util'
import type { PortState } from './types.ts'

/**
 * How one attempt ended, as a number that fits in shared memory: 0 connected, a negative number for what only the
 * prober can tell, otherwise the system's errno.
 */
export type Outcome = number

export const CONNECTED: Outcome = 0
/** Nothing came back in time. */
export const SILENT: Outcome = -1
/** The connect met itself (loopback's ephemeral range); says nothing about the port. */
export const SELF_CONNECTED: Outcome = -2

export type Verdict =
  /** The network or the host answered: a final state. */
  | { readonly kind: 'answer'; readonly state: PortState; readonly reason: string }
  /** Nothing came back. */
  | { readonly kind: 'silence' }
  /** Our own system could not make the attempt; it must be made again, more slowly when resources were short. */
  | { readonly kind: 'local'; readonly code: string; readonly shortage: boolean }

const answers: Readonly<Record<string, readonly [PortState, string]>> = {
  ECONNREFUSED: ['closed', 'refused'],
  // A reset after the handshake: the service accepted and closed before we looked (tcp_reset() gives EPIPE after a FIN).
  ECONNRESET: ['open', 'connected'],
  EPIPE: ['open', 'connected'],
  EHOSTUNREACH: ['unreachable', 'host-unreachable'],
  EHOSTDOWN: ['unreachable', 'host-unreachable'],
  ENETUNREACH: ['unreachable', 'network-unreachable'],
  ENETDOWN: ['unreachable', 'network-unreachable'],
  ENONET: ['unreachable', 'network-unreachable'],
  EACCES: ['filtered', 'admin-prohibited'],
  EPERM: ['filtered', 'admin-prohibited'],
  ENOPROTOOPT: ['filtered', 'admin-prohibited'],
}

const shortages = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'EADDRINUSE', 'ENOBUFS', 'ENOMEM', 'EAGAIN', 'ENOSPC'])

const known = new Map<Outcome, Verdict>()

/** The meaning of an outcome. Never turns silence or a local error into an answer. */
export function classify(outcome: Outcome): Verdict {
  let verdict = known.get(outcome)
  if (verdict === undefined) {
    verdict = judge(outcome)
    known.set(outcome, verdict)
  }
  return verdict
}

function judge(outcome: Outcome): Verdict {
  if (outcome === CONNECTED) return { kind: 'answer', state: 'open', reason: 'connected' }
  if (outcome === SILENT) return { kind: 'silence' }
  if (outcome === SELF_CONNECTED) return { kind: 'local', code: 'SELF_CONNECT', shortage: false }
  const code = getSystemErrorName(-outcome)
  // The kernel's own patience ran out: the same silence, noticed by someone else.
  if (code === 'ETIMEDOUT') return { kind: 'silence' }
  const answer = answers[code]
  if (answer !== undefined) return { kind: 'answer', state: answer[0], reason: answer[1] }
  return { kind: 'local', code, shortage: shortages.has(code) }
}
