import * as fc from 'fast-check'
import type { NetlabEvent } from '../../src/base/events.ts'

const peer = { address: '192.0.2.7', port: 40_001 }

/** One event of every type. */
export const everyEvent: readonly NetlabEvent[] = [
  { type: 'starting', service: 'echo', version: '1.2.3', pid: 77, threads: 2 },
  { type: 'port-taken', host: '127.0.0.1', port: 9007, next: 9008, holder: 'python3 (process 12)' },
  { type: 'listening', service: 'echo', host: '::', port: 9008, asked: 9007 },
  { type: 'limited', what: 'threads', asked: 900, allowed: 256, why: 'each costs memory' },
  { type: 'refused', peer, reason: 'max-clients' },
  { type: 'connected', id: 3, peer, thread: 1 },
  { type: 'received', id: 3, bytes: 1 },
  { type: 'sent', id: 3, bytes: 1024 },
  {
    type: 'disconnected',
    id: 3,
    peer,
    reason: 'peer-reset',
    detail: 'ECONNRESET',
    received: 10,
    sent: 9,
    durationMs: 1234.5678,
  },
  { type: 'gone', id: 5 },
  { type: 'unfinished', id: 3, peer, unit: 'line', bytes: 8, waitedMs: 5000 },
  { type: 'memory-short', bytes: 50_331_649, limit: 67_108_864, waiting: 3 },
  { type: 'stop-refused', id: 3, peer, rule: 'loopback' },
  { type: 'stop-requested', by: 'the operator' },
  { type: 'kicked', id: 3, peer },
  { type: 'reloaded' },
  { type: 'control-failed', error: 'the file system is read-only' },
  { type: 'certificate-loaded', key: 'SHA256:abc', fingerprint: 'AB:CD', until: '2031-02-03T04:05:06.000Z' },
  { type: 'certificate-rejected', error: 'the private key does not belong to the certificate' },
  { type: 'certificate-ending', until: '2031-02-03T04:05:06.000Z', days: 3 },
  { type: 'certificate-early', from: '2031-02-03T04:05:06.000Z' },
  { type: 'certificate-untrusted', why: 'INVALID_PURPOSE' },
  { type: 'paused', host: '127.0.0.1', port: 9008 },
  { type: 'resumed', host: '127.0.0.1', port: 9008 },
  { type: 'member-joined', id: 4, peer, name: 'ada', room: 'lobby' },
  { type: 'member-moved', id: 4, peer, name: 'ada' },
  { type: 'member-left', id: 4, peer, name: 'ada', reason: 'silent' },
  { type: 'member-refused', peer, reason: 'name-taken' },
  { type: 'logs-cleared' },
  { type: 'users-cleared', count: 1 },
  { type: 'account-changed', action: 'renamed', name: 'ada', newName: 'eve' },
  { type: 'account-changed', action: 'banned', name: '192.0.2.0/24', sessions: 2, until: '2031-02-03T04:05:06.000Z' },
  { type: 'flooding', id: 3, peer, name: 'ada' },
  { type: 'log-gap', lines: 12, why: 'the file could not be written' },
  { type: 'thread-died', thread: 'client-1', error: 'out of memory', clients: 5 },
  { type: 'fault', where: 'echo', error: 'TypeError: x' },
  { type: 'stopped', service: 'echo', reason: 'the operator said so', connections: 5, uptimeMs: 61_000 },
]

/** Text as a peer would choose it to do harm: any code unit, with controls, bidirectional marks and lone surrogates often. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(
        0x00,
        0x07,
        0x0a,
        0x0d,
        0x1b,
        0x7f,
        0x85,
        0x9b,
        0x202e,
        0x2028,
        0x2066,
        0xfeff,
        0xd800,
        0x22,
        0x5c,
      ),
    ),
  )
  .map((units) => String.fromCharCode(...units))

/** What must never reach a terminal: C0, DEL, C1, separators, bidirectional controls, byte order mark, lone surrogates. */
export const dangerous =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u
