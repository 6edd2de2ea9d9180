import { getSystemErrorName } from 'node:util'
import { CONNECTED, type ConnectOutcome, SELF_CONNECTED, SILENT, STALLED } from './engines/engine.ts'
import type { PortState } from './types.ts'

/** What the outcome of an attempt says about the port. */
export type ProbeAnswer =
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
  // A blackhole route, or an address that can be no destination (0.0.0.1): this system's routing answers so.
  EINVAL: ['unreachable', 'network-unreachable'],
  EOPNOTSUPP: ['unreachable', 'network-unreachable'],
  // This system has no such family.
  EAFNOSUPPORT: ['unreachable', 'network-unreachable'],
  EACCES: ['filtered', 'admin-prohibited'],
  EPERM: ['filtered', 'admin-prohibited'],
  ENOPROTOOPT: ['filtered', 'admin-prohibited'],
}

/** Errors that say that this system has too little of something, and what a person is told of them. */
const shortages: Readonly<Record<string, string>> = {
  EMFILE: 'Too few file descriptors',
  ENFILE: 'Too few file descriptors on this system',
  EADDRNOTAVAIL: 'No local port or address is free',
  EADDRINUSE: 'No local port is free',
  ENOBUFS: 'The network queue of this system is full',
  ENOMEM: 'This system is short of memory',
  ENOSPC: 'This system is short of memory for events',
  EAGAIN: 'This system is short of resources',
}

const known = new Map<ConnectOutcome, ProbeAnswer>()

/** The meaning of an outcome. Never turns silence or a local error into an answer. */
export function classify(outcome: ConnectOutcome): ProbeAnswer {
  let answer = known.get(outcome)
  if (answer === undefined) {
    answer = meaningOf(outcome)
    known.set(outcome, answer)
  }
  return answer
}

function meaningOf(outcome: ConnectOutcome): ProbeAnswer {
  if (outcome === CONNECTED) return { kind: 'answer', state: 'open', reason: 'connected' }
  if (outcome === SILENT) return { kind: 'silence' }
  if (outcome === SELF_CONNECTED) return { kind: 'local', code: 'SELF_CONNECT', shortage: false }
  if (outcome === STALLED) return { kind: 'local', code: 'STALLED', shortage: false }
  const code = getSystemErrorName(-outcome)
  // The kernel gave up before our own timeout did: nothing came back either way.
  if (code === 'ETIMEDOUT') return { kind: 'silence' }
  const answer = answers[code]
  if (answer !== undefined) return { kind: 'answer', state: answer[0], reason: answer[1] }
  return { kind: 'local', code, shortage: Object.hasOwn(shortages, code) }
}

/** What a person is told, once for each code, when this system could not make an attempt. */
export function localErrorSentence(code: string, port: number): string {
  if (code === 'SELF_CONNECT') return `A connect to port ${port} reached its own socket; the port is probed again`
  if (code === 'STALLED') return 'The scan stood still for a while: what was under way is asked again'
  const shortage = shortages[code]
  if (shortage !== undefined) return `${shortage} (${code}): the scan goes on more slowly`
  return `This system could not make a connect (${code}); it is tried again`
}
