import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import type { NetlabEvent } from '../../src/base/events.ts'
import { logLimits } from '../../src/log/limits.ts'
import { formatLine, LineFormat } from '../../src/log/line-format.ts'
import { isWanted, type LogFilter } from '../../src/log/log-filter.ts'
import { levelOf, renderLine, describe as sentence } from '../../src/log/render.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { dangerous, everyEvent, hostileText } from './events.ts'

const startMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const origin = { service: 'echo', pid: 77 }
const startText = '2026-01-02T03:04:05.678Z'

describe('a line of the log', () => {
  test.each(everyEvent)('of $type is one JSON object with time, level, event, its fields and a sentence', (event) => {
    const line = new LineFormat(new VirtualClock(startMs), origin).line(event)
    const { type, ...fields } = event
    expect(line.endsWith('\n')).toBe(true)
    expect(line.indexOf('\n')).toBe(line.length - 1)
    const value = JSON.parse(line)
    expect(value).toEqual({
      time: startText,
      level: value.level,
      ...origin,
      event: type,
      ...fields,
      message: sentence(event),
    })
    expect(Object.keys(value).slice(0, 5)).toEqual(['time', 'level', 'service', 'pid', 'event'])
    expect(['info', 'warning', 'error']).toContain(value.level)
    expect(line).toBe(formatLine(event, startText, origin))
  })

  test('the time follows the clock, also backwards', () => {
    const clock = new VirtualClock(startMs)
    const format = new LineFormat(clock, origin)
    const time = () => JSON.parse(format.line({ type: 'sent', id: 1, bytes: 1 })).time
    expect(time()).toBe(startText)
    clock.advance(1)
    expect(time()).toBe('2026-01-02T03:04:05.679Z')
    clock.advance(86_400_000)
    expect(time()).toBe('2026-01-03T03:04:05.679Z')
  })

  test('the short cut for received and sent never mixes clients and sizes up', () => {
    const format = new LineFormat(new VirtualClock(startMs), origin)
    const events = fc.array(
      fc.record({
        type: fc.constantFrom('received' as const, 'sent' as const),
        id: fc.constantFrom(0, 1, 2, 513, 1025, 4_294_967_297),
        bytes: fc.constantFrom(0, 1, 2, 65_536),
      }),
      { maxLength: 200 },
    )
    fc.assert(
      fc.property(events, (list) => {
        for (const event of list) expect(format.line(event)).toBe(formatLine(event, startText, origin))
      }),
    )
  })

  test('no text that a peer chose makes it dangerous to show, and its value survives', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const line = formatLine({ type: 'fault', where: 'here', error: text }, startText, origin)
        expect(line.slice(0, -1)).not.toMatch(dangerous)
        expect(JSON.parse(line).error).toBe(text)
        expect(JSON.parse(line).message).not.toMatch(dangerous)
      }),
      { numRuns: 500 },
    )
  })

  test('a long text is cut', () => {
    const line = formatLine({ type: 'fault', where: 'here', error: 'x'.repeat(1_000_000) }, startText, origin)
    expect(line.length).toBeLessThan(3 * logLimits.textLength)
    expect(JSON.parse(line).error).toBe(`${'x'.repeat(logLimits.textLength)}…`)
  })
})

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

describe('a filter', () => {
  const line = (event: NetlabEvent) => formatLine(event, startText, origin)
  const seen = (filter: Partial<LogFilter>) =>
    everyEvent.filter((event) => isWanted(line(event), { traffic: false, ...filter }))

  test('leaves out what was received and sent unless it is asked for', () => {
    const traffic = ['received', 'sent']
    expect(seen({})).toEqual(everyEvent.filter(({ type }) => !traffic.includes(type)))
    expect(seen({ traffic: true })).toEqual(everyEvent)
  })

  test('tells client 4 from member 4, and levels from the graver ones', () => {
    expect(seen({ client: 3, traffic: true }).map(({ type }) => type)).toContain('sent')
    expect(seen({ client: 4 })).toEqual([])
    expect(seen({ member: 4 }).map(({ type }) => type)).toEqual(['member-joined', 'member-moved', 'member-left'])
    expect(new Set(seen({ level: 'warning' }).map(({ type }) => levelOf(type)))).toEqual(new Set(['warning', 'error']))
    expect(seen({ event: 'kicked' }).map(({ type }) => type)).toEqual(['kicked'])
  })

  test('tells services and processes apart', () => {
    expect(seen({ service: 'echo', pid: 77, traffic: true })).toEqual(everyEvent)
    expect(seen({ service: 'chat', traffic: true })).toEqual([])
    expect(seen({ pid: 78, traffic: true })).toEqual([])
  })

  test('is not fooled by what a peer chose, nor stopped by lines that are not ours', () => {
    const forged = line({ type: 'fault', where: 'here', error: '"event":"sent"' })
    expect(isWanted(forged, { traffic: false })).toBe(true)
    fc.assert(fc.property(hostileText, (text) => isWanted(text, { traffic: false }) || text.includes('"event"')))
    for (const text of ['', 'not JSON', '7', 'null']) {
      expect(isWanted(text, { traffic: false })).toBe(true)
      expect(isWanted(text, { traffic: false, client: 3 })).toBe(false)
    }
  })
})

describe('renderLine', () => {
  test('shows time, level and sentence', () => {
    const line = formatLine({ type: 'sent', id: 3, bytes: 7 }, startText, origin)
    expect(renderLine(line)).toMatch(
      /^2026-01-0\d \d\d:\d\d:05\.678 [+-]\d\d:\d\d info {4}echo\[77\]: Sent 7 bytes to client 3$/,
    )
    expect(new Date(renderLine(line).slice(0, 30)).toISOString()).toBe(startText)
  })

  test('shows lines of older versions, without service and process', () => {
    expect(renderLine('{"time":"soon","level":"info","message":"Hello"}')).toBe('soon info    Hello')
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
