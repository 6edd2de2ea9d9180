import type { DisconnectReason, EventType, LoginFailure, NetlabEvent, Peer } from '../base/events.ts'
import { visible } from '../base/visible.ts'

/** winston's order: the smaller the number, the graver. */
export const levels = { error: 0, warning: 1, info: 2 } as const

export type Level = keyof typeof levels

const graver: Partial<Record<EventType, Level>> = {
  'port-taken': 'warning',
  limited: 'warning',
  refused: 'warning',
  'stop-refused': 'warning',
  'memory-short': 'warning',
  'member-refused': 'warning',
  'login-failed': 'warning',
  throttled: 'warning',
  flooding: 'warning',
  'log-gap': 'error',
  'thread-died': 'error',
  'accept-failed': 'warning',
  'control-failed': 'warning',
  fault: 'error',
  'history-failed': 'error',
  'certificate-rejected': 'error',
  'certificate-ending': 'warning',
  'certificate-early': 'warning',
  'certificate-untrusted': 'warning',
}

/** How grave an event of this type is. */
export function levelOf(type: EventType): Level {
  return graver[type] ?? 'info'
}

type Sentences = { readonly [T in EventType]: (event: Extract<NetlabEvent, { type: T }>) => string }

const sentences: Sentences = {
  starting: (e) => `netlab ${e.version} starts ${e.service} with ${count(e.threads, 'thread')} in process ${e.pid}`,
  'port-taken': (e) =>
    `Port ${e.port} on ${e.host} is taken${e.holder === undefined ? '' : ` by ${e.holder}`}; trying ${e.next} next`,
  listening: (e) =>
    `${e.service} listens on ${at(e.host, e.port)}${e.asked === e.port || e.asked === 0 ? '' : `; port ${e.asked} was asked for and is taken`}`,
  limited: (e) => `At most ${e.allowed} ${e.what} instead of ${e.asked}: ${limitations.get(e.why) ?? e.why}`,
  refused: (e) => `Refused a connection from ${who(e.peer)}: ${refusals[e.reason]}`,
  connected: (e) => `Client ${e.id} connected from ${who(e.peer)}`,
  gone: (e) => `Client ${e.id} had reset its connection before it was accepted; who it was is not known`,
  received: (e) => `Received ${count(e.bytes, 'byte')} from client ${e.id}`,
  sent: (e) => `Sent ${count(e.bytes, 'byte')} to client ${e.id}`,
  disconnected: (e) =>
    `Client ${e.id} from ${who(e.peer)} disconnected after ${seconds(e.durationMs)}: ${endings[e.reason]}` +
    `${e.detail === undefined ? '' : ` (${e.detail})`}; ${e.received} bytes received, ${e.sent} sent`,
  unfinished: (e) =>
    `Client ${e.id} from ${who(e.peer)} sent ${count(e.bytes, 'byte')} of a ${e.unit} and nothing more for ${seconds(e.waitedMs)}: ${unfinished[e.unit]}`,
  'memory-short': (e) =>
    `Clients hold ${mebibytes(e.bytes)} of the ${mebibytes(e.limit)} that they may; ${count(e.waiting, 'client')} of this thread ${e.waiting === 1 ? 'waits' : 'wait'}, and the largest that are idle are cut`,
  'stop-refused': (e) => `Client ${e.id} from ${who(e.peer)} asked the server to stop and was refused: ${e.rule}`,
  'stop-requested': (e) => `The server was asked to stop by ${e.by}`,
  kicked: (e) => `The operator disconnects client ${e.id} from ${who(e.peer)}`,
  identified: (e) => `Client ${e.id} from ${who(e.peer)} is ${e.name}${e.isNew ? ', here for the first time' : ''}`,
  registered: (e) => `Client ${e.id} from ${who(e.peer)} registered as ${e.name}`,
  login: (e) => `Client ${e.id} from ${who(e.peer)} logged in as ${e.name}, session ${e.session}`,
  'session-resumed': (e) => `Client ${e.id} from ${who(e.peer)} goes on with session ${e.session} of ${e.name}`,
  'session-expired': (e) => `Session ${e.session} of ${e.name}, which client ${e.id} used, has expired`,
  'session-banned': (e) => `Session ${e.session} of ${e.name}, which client ${e.id} used, ended with a ban`,
  'session-revoked': (e) => `Session ${e.session} of ${e.name}, which client ${e.id} used, was ended from elsewhere`,
  'login-failed': (e) =>
    `Client ${e.id} from ${who(e.peer)} was not logged in${e.name === undefined ? '' : ` as ${e.name}`}: ${failures[e.reason]}`,
  throttled: (e) =>
    `Client ${e.id} from ${who(e.peer)} ${e.refused ? 'must' : 'had to'} wait ${seconds(e.waitMs)}: too many ${excesses[e.by]}`,
  logout: (e) => `Client ${e.id} from ${who(e.peer)} ended ${count(e.sessions, 'session')} of ${e.name}`,
  'password-changed': (e) =>
    `Client ${e.id} from ${who(e.peer)} changed the password of ${e.name}, which ended ${count(e.sessions, 'other session')}`,
  reloaded: () => 'The server was asked to reload (SIGHUP); conversations go on',
  'certificate-loaded': (e) =>
    `The certificate is valid until ${day(e.until)}; fingerprint of its key: ${e.key}, of the certificate: ${e.fingerprint}`,
  'certificate-rejected': (e) => `The new certificate is not used, the one before stays: ${e.error}`,
  'certificate-ending': (e) =>
    e.days < 0
      ? `The certificate ended on ${day(e.until)}: clients that check it refuse it; renew it, with the same key`
      : `The certificate ends on ${day(e.until)}, in ${count(e.days, 'day')}: renew it, with the same key`,
  'certificate-early': (e) => `The certificate is valid from ${day(e.from)} only: look at the clock of this machine`,
  'certificate-untrusted': (e) => `Clients that check the certificate will refuse it: ${e.why}`,
  paused: (e) => `New connections to ${at(e.host, e.port)} are refused from now on; connected clients go on`,
  resumed: (e) => `New connections to ${at(e.host, e.port)} are accepted again`,
  'control-failed': (e) =>
    `No control socket could be opened, so netlab control does not reach this server: ${e.error}`,
  'logs-cleared': () => 'The operator cleared the log',
  'users-cleared': (e) => `The operator removed ${count(e.count, 'user')}`,
  'account-changed': (e) =>
    `The operator ${changes[e.action]} ${e.name}${e.newName === undefined ? '' : ` to ${e.newName}`}${e.until === undefined ? '' : ` until ${e.until}`}` +
    `${e.sessions === undefined || e.sessions === 0 ? '' : `, which ended ${count(e.sessions, 'session')}`}`,
  flooding: (e) => `${e.name}, client ${e.id} from ${who(e.peer)}, says too much at once and is read more slowly`,
  'log-gap': (e) => `${count(e.lines, 'line')} of this log could not be written: ${e.why}`,
  'thread-died': (e) => `The thread ${e.thread} died with ${count(e.clients, 'client')}: ${e.error}`,
  'accept-failed': (e) => `A connection could not be accepted: ${e.error}`,
  'member-joined': (e) => `${e.name} joined #${e.room} as member ${e.id} from ${who(e.peer)}`,
  'member-moved': (e) => `${e.name}, member ${e.id}, goes on from ${who(e.peer)}`,
  'member-left': (e) => `${e.name}, member ${e.id} from ${who(e.peer)}, left: ${leavings[e.reason]}`,
  'member-refused': (e) => `Refused to let in a member from ${who(e.peer)}: ${e.reason}`,
  fault: (e) => `Something went wrong in ${e.where}: ${e.error}`,
  moderated: (e) =>
    `${e.by} ${e.off ? 'took back' : 'did'}: ${[e.action, e.name, e.room === '' ? '' : `#${e.room}`].filter((word) => word !== '').join(' ')}`,
  'history-failed': (e) => `The chat history cannot be written and the chat goes on without it: ${e.error}`,
  'history-resumed': (e) => `The chat history is written again; ${count(e.unstored, 'message')} are not in it`,
  stopped: (e) => `${e.service} stopped: ${e.reason}; ${count(e.connections, 'connection')} in ${seconds(e.uptimeMs)}`,
}

/** What the log can tell of. */
export const eventTypes: ReadonlySet<EventType> = new Set(Object.keys(sentences) as EventType[])

const unfinished = {
  line: 'it is not read before its line feed',
  frame: 'it is not read before it is as long as its first four bytes say',
} as const

const changes: Readonly<Record<Extract<NetlabEvent, { type: 'account-changed' }>['action'], string>> = {
  forgotten: 'forgot',
  renamed: 'renamed',
  reset: 'gave a one-time password to',
  'logged-out': 'logged out',
  banned: 'banned',
  unbanned: 'took back the ban of',
}

const refusals: Readonly<Record<Extract<NetlabEvent, { type: 'refused' }>['reason'], string>> = {
  'max-clients': 'as many clients as allowed are connected',
  'file-descriptors': 'the process has no file descriptor left',
  'thread-cap': 'no thread is left for another client',
  banned: 'its address is banned',
  stopping: 'the server is stopping',
}

/** Why a server takes fewer clients than it was asked to. */
const limitations = new Map([
  ['thread-cap', 'each gets a thread of its own'],
  ['file-descriptors', 'the process may not open more files and sockets (ulimit -n)'],
])

const leavings: Readonly<Record<Extract<NetlabEvent, { type: 'member-left' }>['reason'], string>> = {
  left: 'it said goodbye',
  silent: 'it was silent for too long',
  kicked: 'the operator ended it',
  stopping: 'the relay is stopping',
}

const excesses = {
  account: 'failed logins to that account',
  source: 'failed logins from its address',
  registrations: 'registrations from its address',
} as const

const failures: Readonly<Record<LoginFailure, string>> = {
  credentials: 'name and password do not match',
  name: 'that can not be a name',
  password: 'the password breaks the rules',
  taken: 'the name is taken',
  full: 'no more names can be kept',
  'registration-closed': 'nobody may register',
  'registration-code': 'it did not say the code that registering needs',
  busy: 'too many passwords wait to be checked',
  left: 'it left while waiting',
  banned: 'the account is banned',
  storage: 'it could not be kept on disk',
  'token-malformed': 'what it sent is no session token',
  'token-expired': 'its session has expired',
  'token-unknown': 'its session was ended or never was',
  deadline: 'it took too long',
  attempts: 'too many attempts',
  plaintext: 'passwords from other machines need TLS',
}

const endings: Readonly<Record<DisconnectReason, string>> = {
  'peer-closed': 'it closed the connection',
  'peer-reset': 'it reset the connection',
  'no-answer': 'no answer came from it any more',
  exit: 'it said exit',
  idle: 'it was silent for too long',
  'no-login': 'it did not log in',
  'session-ended': 'its session ended',
  kicked: 'the operator ended it',
  banned: 'the operator banned it',
  stopping: 'the server is stopping',
  'protocol-error': 'it broke the protocol',
  'slow-reader': 'it did not read what it was sent',
  memory: 'the memory that it held was wanted for others',
  fault: 'the server made a mistake',
}

/** The event as a sentence for a person. Safe for a terminal, whatever a peer put into the event. */
export function describe(event: NetlabEvent): string {
  const sentence = sentences[event.type] as (event: NetlabEvent) => string
  return visible(sentence(event))
}

/**
 * A line of the log file for a person: local time with its zone, level, service and process, message. A line that is not ours is
 * shown as it is, made safe.
 */
export function renderLine(jsonLine: string): string {
  const line = parse(jsonLine)
  if (line === undefined) return visible(jsonLine)
  const { time, level, from, message } = line
  return visible(`${zonedTime(time)} ${level.padEnd('warning'.length)} ${from}${message}`)
}

/** `2026-01-02 06:04:05.678 +03:00`: the time of an ISO text as clocks here show it. What is no time stays as it is. */
function zonedTime(text: string): string {
  const utc = new Date(text)
  if (Number.isNaN(utc.getTime())) return text
  const aheadMinutes = -utc.getTimezoneOffset()
  const local = new Date(utc.getTime() + aheadMinutes * 60_000).toISOString()
  const zone = [Math.trunc(Math.abs(aheadMinutes) / 60), Math.abs(aheadMinutes) % 60]
  const [hours = '', minutes = ''] = zone.map((part) => String(part).padStart(2, '0'))
  return `${local.slice(0, -1).replace('T', ' ')} ${aheadMinutes < 0 ? '-' : '+'}${hours}:${minutes}`
}

interface ShownParts {
  readonly time: string
  readonly level: string
  /** `chat[4711]: `; empty in lines of older versions. */
  readonly from: string
  readonly message: string
}

function parse(jsonLine: string): ShownParts | undefined {
  let value: unknown
  try {
    value = JSON.parse(jsonLine)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  if (!('time' in value && 'level' in value && 'message' in value)) return undefined
  const from = 'service' in value && 'pid' in value ? `${value.service}[${value.pid}]: ` : ''
  return { time: String(value.time), level: String(value.level), from, message: String(value.message) }
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 3 : 0)} s`
}

/** The date of a time in ISO form. */
function day(time: string): string {
  return time.slice(0, 10)
}

function at(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function who(peer: Peer): string {
  return at(peer.address, peer.port)
}
