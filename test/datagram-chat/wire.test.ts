import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { MalformedDatagram } from '../../src/datagram-chat/fields.ts'
import {
  decodeChallenge,
  decodeJoinRequest,
  decodeOffer,
  decodeRefused,
  decodeWelcome,
  encodeChallenge,
  encodeJoinRequest,
  encodeOffer,
  encodeRefused,
  encodeWelcome,
} from '../../src/datagram-chat/handshake-messages.ts'
import { encodeRecord, type LogRecord } from '../../src/datagram-chat/log-record.ts'
import { RoomLog } from '../../src/datagram-chat/room-log.ts'
import {
  decodeData,
  decodeDataAck,
  decodeNames,
  decodeRecordAck,
  decodeRecordPage,
  encodeData,
  encodeDataAck,
  encodeNames,
  encodeRecordAck,
  maxBodyBytes,
} from '../../src/datagram-chat/session-messages.ts'

const bytes = (length: number) => Buffer.from(Array.from({ length }, (_, index) => index + 1))

const fragment = { number: 5, action: true, index: 1, count: 2, bytes: Buffer.from('text') }
const say = { lowestFragment: 4, received: 99, fragments: [fragment, { ...fragment, number: 6, action: false }] }
const seen = { lowestFragment: 1, received: 2 ** 40, timestamp: 0xffff_ffff, gaps: [{ from: 7, count: 3 }] }
const ack = {
  accepted: 9,
  held: 0b101,
  head: 70,
  timestamp: 1,
  refusals: [{ fragment: 8, reason: 'too-long' as const }],
}
const names = { after: 0, total: 2, next: 0, names: ['ada', 'bob'] }
const challenge = { nonce: bytes(8), cookie: bytes(16), salt: bytes(16), keyed: true }
const join = { previous: bytes(8), name: 'ada', room: '' }
const welcome = {
  ...{ session: bytes(8), member: 3, joinedSequence: 20, firstSequence: 1, memberCount: 2 },
  ...{ name: 'ada', room: 'lobby' },
}
const here = { nonce: bytes(8), relay: bytes(8), port: 9195, memberCount: 1, keyed: false, room: 'lobby' }
const refused = { nonce: bytes(8), reason: 'name-taken' as const, room: 'lobby' }
const records: LogRecord[] = [
  {
    kind: 'fragment',
    action: false,
    member: 1,
    fragmentNumber: 2,
    at: 1_700_000_000_000,
    index: 0,
    count: 1,
    name: 'ä',
    bytes: bytes(9),
  },
  { kind: 'joined', member: 2, at: 1, name: 'bob' },
  { kind: 'left', member: 2, at: 2, name: 'bob', reason: 'silent' },
  { kind: 'notice', at: 3, bytes: bytes(4) },
  { kind: 'skip', count: 1_000_000 },
]
const page = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 7]), ...records.map(encodeRecord)])

const codecs: readonly (readonly [
  name: string,
  encoded: Buffer,
  decode: (bytes: Buffer) => unknown,
  value: unknown,
])[] = [
  ['say', encodeData(say), decodeData, say],
  ['seen', encodeRecordAck(seen), decodeRecordAck, seen],
  ['ack', encodeDataAck(ack), decodeDataAck, ack],
  ['names', encodeNames(names), decodeNames, names],
  ['challenge', encodeChallenge(challenge), decodeChallenge, challenge],
  ['join', encodeJoinRequest(join), decodeJoinRequest, join],
  ['welcome', encodeWelcome(welcome), decodeWelcome, welcome],
  ['here', encodeOffer(here), decodeOffer, here],
  ['refused', encodeRefused(refused), decodeRefused, refused],
  ['a page of the room', page, decodeRecordPage, { first: 7, records }],
]

/** What decoding gave; undefined when the bytes were refused. Anything else that is thrown is a bug. */
function decoded(decode: (bytes: Buffer) => unknown, encoded: Buffer): unknown {
  try {
    return decode(encoded)
  } catch (error) {
    if (error instanceof MalformedDatagram) return undefined
    throw error
  }
}

describe.each(codecs)('%s', (_name, encoded, decode, value) => {
  test('comes back as it was', () => {
    expect(decode(encoded)).toEqual(value)
  })

  test('cut short anywhere, it is refused or means less, and never the same', () => {
    for (let length = 0; length < encoded.length; length += 1) {
      expect(decoded(decode, encoded.subarray(0, length))).not.toEqual(value)
    }
  })

  test('whatever bytes come, they are refused or understood', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => void decoded(decode, Buffer.from(noise))))
  })
})

test('the bytes of a seen are those of the documentation', () => {
  expect(
    encodeRecordAck({ lowestFragment: 1, received: 2, timestamp: 3, gaps: [{ from: 4, count: 5 }] }).toString('hex'),
  ).toBe('00000001000000000002000000030000000000040005')
})

describe('the log of a room', () => {
  const said = (text: string): LogRecord[] => [
    {
      kind: 'fragment',
      action: false,
      member: 1,
      fragmentNumber: 1,
      at: 0,
      index: 0,
      count: 1,
      name: 'ada',
      bytes: Buffer.from(text),
    },
  ]

  test('gives back what it was given, in as many datagrams as it takes', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, maxLength: 900 }), { minLength: 1, maxLength: 30 }), (texts) => {
        const log = new RoomLog()
        for (const text of texts) log.append(said(text))
        const shown: string[] = []
        for (let next = 1; next <= log.head; ) {
          const { body, next: after } = log.page(next, log.head, 0)
          expect(body.length).toBeLessThanOrEqual(maxBodyBytes)
          const { first, records: some } = decodeRecordPage(body)
          expect([first, first + some.length]).toEqual([next, after])
          shown.push(...some.map((record) => (record.kind === 'fragment' ? record.bytes.toString() : record.kind)))
          next = after
        }
        expect(shown).toEqual(texts)
      }),
    )
  })

  test('forgets the oldest but the last 20 messages, and says how much it skips', () => {
    const log = new RoomLog()
    for (let line = 0; line < 30; line += 1) log.append(said(`${line}`))
    for (let guest = 0; guest < 10_000; guest += 1) log.append([{ kind: 'joined', member: guest, at: 0, name: 'x' }])
    expect(log.historyStart).toBe(11)
    const { records: all, first } = decodeRecordPage(log.page(1, log.head, 0).body)
    expect(first).toBe(1)
    expect(all[0]).toEqual({ kind: 'skip', count: 10 })
    expect(all.slice(1, 21).map((record) => record.kind)).toEqual(Array(20).fill('fragment'))
    expect(all[21]).toEqual({ kind: 'skip', count: 10_030 - 8192 - 30 })
    expect(all[22]).toMatchObject({ kind: 'joined' })
    const quiet = decodeRecordPage(log.page(11, log.head, log.head).body).records
    expect(quiet.slice(20)).toEqual([{ kind: 'skip', count: 9999 }, expect.objectContaining({ kind: 'joined' })])
  })
})
