import type { MessagePort } from 'node:worker_threads'
import { afterEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../src/base/clock.ts'
import { openRpc } from '../../src/base/rpc.ts'
import { Counter, makeEndpoints } from '../../src/log/endpoint.ts'
import { logLimits } from '../../src/log/limits.ts'
import { attachEventLog, sharedBounds, type WriterBounds } from '../../src/log/line-writer.ts'
import type { RecorderCalls } from '../../src/log/messages.ts'
import { whileTrue } from '../support/event-loop.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const ports: MessagePort[] = []
afterEach(() => {
  for (const port of ports.splice(0)) port.close()
})

/** A writer whose other end is in the hands of the test. */
function writerFor(bounds: Partial<WriterBounds> = {}) {
  const { near, far } = makeEndpoints({ service: 'echo', pid: 77 })
  ports.push(near.port)
  const clock = new VirtualClock()
  const counters = new Int32Array(far.counters)
  const usual = { batchLength: 1_000, batchMs: 10, queueLength: 10_000, waitMs: 1, waitCount: 2 }
  const writer = attachEventLog(near, clock, { ...usual, ...bounds })
  const lines: string[] = []
  const rpc = openRpc<Record<never, never>, RecorderCalls>(far.port, {
    write: (batch) => void lines.push(...batch.trimEnd().split('\n')),
    fork: () => undefined,
  })
  const receive = (): string[] => {
    rpc.poll()
    return lines.splice(0)
  }
  const acknowledge = () => Atomics.store(counters, Counter.acked, Atomics.load(counters, Counter.queued))
  return { writer, clock, counters, receive, acknowledge, near }
}

const event = { type: 'sent', id: 1, bytes: 1 } as const

describe('a thread that records', () => {
  test('hands a batch over after batchMs, with one timer for all of its lines', () => {
    const { writer, clock, receive, counters } = writerFor()
    writer.record(event)
    writer.record(event)
    expect(clock.pending).toBe(1)
    expect(counters[Counter.held]).toBe(2)
    clock.advance(9)
    expect(receive()).toHaveLength(0)
    clock.advance(1)
    expect(receive()).toHaveLength(2)
    expect(counters[Counter.held]).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('hands a batch over at once when it is long, and leaves no timer', () => {
    const { writer, clock, receive } = writerFor()
    let records = 0
    whileTrue(() => {
      writer.record(event)
      records++
      return receive().length === 0
    })
    expect(records).toBeGreaterThan(5)
    expect(clock.pending).toBe(0)
  })

  test('waits for a log thread that makes no progress only so long, then counts what it drops and tells it', () => {
    const { writer, receive, acknowledge } = writerFor()
    for (let id = 1; id <= 1_000; id++) writer.record({ type: 'sent', id, bytes: 1 })
    writer.flush()
    const before = receive().map((line) => JSON.parse(line))
    expect(before.length).toBeLessThan(200)
    acknowledge()
    for (let id = 1_001; id <= 1_020; id++) writer.record({ type: 'sent', id, bytes: 1 })
    writer.flush()
    const after = receive().map((line) => JSON.parse(line))
    const gap = after.shift()
    expect(gap).toMatchObject({ event: 'log-gap', level: 'error' })
    expect(before.length + gap.lines).toBe(1_000)
    expect(after.map((line) => line.id)).toEqual(Array.from({ length: 20 }, (_, index) => 1_001 + index))
  })

  test('counts on when the counters overflow 32 bits', () => {
    const { writer, receive, counters, acknowledge } = writerFor({ queueLength: 1_000_000 })
    counters[Counter.queued] = 2_147_483_600
    acknowledge()
    for (let id = 0; id < 100; id++) writer.record(event)
    writer.flush()
    expect(receive()).toHaveLength(100)
    expect(counters[Counter.queued]).toBeLessThan(0)
  })

  test('drain tells whether everything is written', () => {
    const { near, acknowledge } = writerFor()
    const writer = attachEventLog(near, systemClock)
    expect(writer.drain(0)).toBe(true)
    writer.record(event)
    expect(writer.drain(1)).toBe(false)
    acknowledge()
    expect(writer.drain(1)).toBe(true)
  })

  test('records into nothing once the log has ended', () => {
    const { writer, receive, counters } = writerFor()
    Atomics.store(counters, Counter.closed, 1)
    for (let id = 0; id < 1_000; id++) writer.record(event)
    writer.flush()
    expect(receive()).toEqual([])
  })
})

test('threads that do the same work hold no more lines together than one alone, but always some batches', () => {
  expect(sharedBounds(1)).toEqual(logLimits)
  expect(sharedBounds(16).queueLength * 16).toBeLessThanOrEqual(logLimits.queueLength)
  expect(sharedBounds(256).queueLength).toBe(2 * logLimits.batchLength)
})
