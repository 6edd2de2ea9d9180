import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { logLimits } from '../../src/log/limits.ts'
import { formatLine, LineFormat } from '../../src/log/line-format.ts'
import { describe as sentence } from '../../src/log/render.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { dangerous, everyEvent, hostileText } from './events.ts'

const startMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const startText = '2026-01-02T03:04:05.678Z'

describe('a line of the log', () => {
  test.each(everyEvent)('of $type is one JSON object with time, level, event, its fields and a sentence', (event) => {
    const line = new LineFormat(new VirtualClock(startMs)).line(event)
    const { type, ...fields } = event
    expect(line.endsWith('\n')).toBe(true)
    expect(line.indexOf('\n')).toBe(line.length - 1)
    const value = JSON.parse(line)
    expect(value).toEqual({ time: startText, level: value.level, event: type, ...fields, message: sentence(event) })
    expect(Object.keys(value).slice(0, 3)).toEqual(['time', 'level', 'event'])
    expect(['info', 'warning', 'error']).toContain(value.level)
    expect(line).toBe(formatLine(event, startText))
  })

  test('the time follows the clock, also backwards', () => {
    const clock = new VirtualClock(startMs)
    const format = new LineFormat(clock)
    const time = () => JSON.parse(format.line({ type: 'sent', id: 1, bytes: 1 })).time
    expect(time()).toBe(startText)
    clock.advance(1)
    expect(time()).toBe('2026-01-02T03:04:05.679Z')
    clock.advance(86_400_000)
    expect(time()).toBe('2026-01-03T03:04:05.679Z')
  })

  test('the short cut for received and sent never mixes clients and sizes up', () => {
    const format = new LineFormat(new VirtualClock(startMs))
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
        for (const event of list) expect(format.line(event)).toBe(formatLine(event, startText))
      }),
    )
  })

  test('no text that a peer chose makes it dangerous to show, and its value survives', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const line = formatLine({ type: 'fault', where: 'here', error: text }, startText)
        expect(line.slice(0, -1)).not.toMatch(dangerous)
        expect(JSON.parse(line).error).toBe(text)
        expect(JSON.parse(line).message).not.toMatch(dangerous)
      }),
      { numRuns: 500 },
    )
  })

  test('a long text is cut', () => {
    const line = formatLine({ type: 'fault', where: 'here', error: 'x'.repeat(1_000_000) }, startText)
    expect(line.length).toBeLessThan(3 * logLimits.textLength)
    expect(JSON.parse(line).error).toBe(`${'x'.repeat(logLimits.textLength)}…`)
  })
})
