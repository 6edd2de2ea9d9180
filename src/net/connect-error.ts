import { errorCode, NetworkError } from '../base/errors.ts'
import { formatEndpoint } from './address.ts'

type Sentence = readonly [message: string, hint: string]
type Describe = (endpoint: string, host: string, port: number) => Sentence

const noRoute: Describe = (_, host) => [
  `${host} cannot be reached: no route to the host`,
  'check that the machine is on, that it shares a network with this one, and its firewall',
]
const noNetwork: Describe = (_, host) => [
  `no network leads to ${host}`,
  host.includes(':') ? 'this machine may have no IPv6; try an IPv4 address' : "check this machine's network connection",
]
const timedOut: Describe = (endpoint) => [
  `${endpoint} did not answer in time`,
  'check host and port; a firewall may be dropping the packets; --timeout allows more time',
]
const reset: Describe = (endpoint) => [
  `the connection to ${endpoint} was reset by the other side`,
  'the server gave it up without a goodbye; its log may say why',
]
const forbidden: Describe = (endpoint) => [
  `the system does not allow a connection to ${endpoint}`,
  'a firewall on this machine may forbid it, or it is a broadcast address',
]
const noDescriptors: Describe = (endpoint) => [
  `no connection to ${endpoint}: too many files are open`,
  'close some programs or raise the limit with "ulimit -n"',
]

const sentences: Readonly<Record<string, Describe>> = {
  ECONNREFUSED: (endpoint, _, port) => [
    `connection refused: nothing is listening on ${endpoint}`,
    `check host and port, or start a server there: netlab serve echo --port ${port}`,
  ],
  EHOSTUNREACH: noRoute,
  EHOSTDOWN: noRoute,
  ENETUNREACH: noNetwork,
  ENETDOWN: noNetwork,
  ETIMEDOUT: timedOut,
  ENOTFOUND: (_, host) => [`there is no host named "${host}"`, 'check the spelling, or use its IP address'],
  EAI_AGAIN: (_, host) => [
    `the name "${host}" could not be looked up: the name server does not answer`,
    "check this machine's network connection, or use the IP address",
  ],
  EAI_FAIL: (_, host) => [`the name server could not look up "${host}"`, 'use the IP address'],
  ECONNRESET: reset,
  ECONNABORTED: reset,
  EPIPE: (endpoint) => [
    `${endpoint} closed the connection while there was more to send`,
    "the server's log may say why",
  ],
  EADDRNOTAVAIL: (endpoint) => [
    `this machine has no address from which it could connect to ${endpoint}`,
    'check host and port; IPv6 may be switched off here',
  ],
  EINVAL: (endpoint) => [
    `${endpoint} is not an address that one can connect to`,
    'a link-local IPv6 address needs its interface, as in fe80::1%eth0',
  ],
  EACCES: forbidden,
  EPERM: forbidden,
  EMFILE: noDescriptors,
  ENFILE: noDescriptors,
}

/**
 * A system error on a connection to `host` and `port`, in one sentence with a next step. Takes the error of a connect that
 * tried several addresses (an AggregateError) too; what happened at each is then added.
 */
export function connectError(error: unknown, host: string, port: number): NetworkError {
  const attempts = error instanceof AggregateError ? error.errors : []
  const code = attempts.length > 0 ? bestCode(attempts) : errorCode(error)
  const endpoint = formatEndpoint(host, port)
  const [message, hint] = sentences[code]?.(endpoint, host, port) ?? [
    `the connection to ${endpoint} failed (${code})`,
    'check host and port',
  ]
  const tried = attempts.length > 1 ? ` (tried ${attempts.map(attempt).join(', ')})` : ''
  return new NetworkError(code, message + tried, { hint, cause: error })
}

/**
 * What the system says of a connection whose other end answers no more: time is up, or what was last heard from a router, or
 * from the own network, was that there is no way.
 */
const silence: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENONET',
])

/** Whether the error of a connection that stood means that nobody answers, and not that somebody ended it. */
export function isSilence(code: string): boolean {
  return silence.has(code)
}

/** As `connectError`, for a connection that stood. */
export function lostError(error: unknown, host: string, port: number): NetworkError {
  if (!isSilence(errorCode(error))) return connectError(error, host, port)
  const message = `no answer from ${formatEndpoint(host, port)} any more`
  const hint = 'the network on the way may be down, or the machine off or asleep'
  return new NetworkError('NO_ANSWER', message, { hint, cause: error })
}

/** A refusal says more than silence: somebody answered. */
function bestCode(attempts: readonly unknown[]): string {
  const codes = attempts.map(errorCode)
  return codes.find((code) => code === 'ECONNREFUSED') ?? codes.at(-1) ?? 'UNKNOWN'
}

function attempt(error: unknown): string {
  const address =
    typeof error === 'object' && error !== null && 'address' in error && typeof error.address === 'string'
      ? error.address
      : 'an address'
  return `${address}: ${errorCode(error)}`
}
