import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { visible } from '../../src/base/visible.ts'
import { formatLine } from '../../src/log/line-format.ts'
import { renderLine, describe as sentence } from '../../src/log/render.ts'
import { dangerous, everyEvent, hostileText } from './events.ts'

describe('sentences', () => {
  test.each([
    ['starting', 'netlab 1.2.3 starts echo with 2 threads in process 77'],
    ['port-taken', 'Port 9007 on 127.0.0.1 is taken by python3 (process 12); trying 9008 next'],
    ['listening', 'echo listens on [::]:9008; port 9007 was asked for and is taken'],
    ['refused', 'Refused a connection from 192.0.2.7:40001: as many clients as allowed are connected'],
    ['connected', 'Client 3 connected from 192.0.2.7:40001'],
    ['received', 'Received 1 byte from client 3'],
    ['sent', 'Sent 1024 bytes to client 3'],
    [
      'disconnected',
      'Client 3 from 192.0.2.7:40001 disconnected after 1.235 s: it reset the connection (ECONNRESET); 10 bytes received, 9 sent',
    ],
    ['users-cleared', 'The operator removed 1 user'],
    ['log-gap', '12 lines of this log could not be written: the file could not be written'],
    ['stopped', 'echo stopped: the operator said so; 5 connections in 61 s'],
  ])('%s: %s', (type, expected) => {
    expect(everyEvent.filter((event) => event.type === type).map(sentence)).toEqual([expected])
  })

  test('a port that was asked for as 0, or got, is not explained', () => {
    const listening = { type: 'listening', service: 'echo', host: '127.0.0.1', port: 9007 } as const
    expect(sentence({ ...listening, asked: 0 })).toBe('echo listens on 127.0.0.1:9007')
    expect(sentence({ ...listening, asked: 9007 })).toBe('echo listens on 127.0.0.1:9007')
  })
})

describe('renderLine', () => {
  test('shows time, level and sentence', () => {
    expect(renderLine(formatLine({ type: 'sent', id: 3, bytes: 7 }, '2026-01-02T03:04:05.678Z'))).toBe(
      '2026-01-02T03:04:05.678Z info    Sent 7 bytes to client 3',
    )
  })

  test.each(['', 'not JSON', '7', 'null', '{"time":"x"}'])('shows %j as it is', (line) => {
    expect(renderLine(line)).toBe(line)
  })

  test('is safe whatever the file contains', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(renderLine(text)).not.toMatch(dangerous)
        expect(renderLine(JSON.stringify({ time: text, level: text, message: text }))).not.toMatch(dangerous)
      }),
      { numRuns: 500 },
    )
  })
})

test.each([
  ['\u001b[2Jx\u0007', '\\x1b[2Jx\\x07'],
  ['a\nb\r\tc', 'a\\nb\\r\\tc'],
  ['\u202eevil\u2028', '\\u202eevil\\u2028'],
  ['\u009b31m\u007f', '\\x9b31m\\x7f'],
  ['Zoë 名前 👍🏽 ن', 'Zoë 名前 👍🏽 ن'],
  ['\ud800', '\\ud800'],
])('visible(%j)', (text, expected) => {
  expect(visible(text)).toBe(expected)
})
