import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../src/base/clock.ts'
import { transferOf } from '../../src/log/endpoint.ts'
import { type EventLog, startLog } from '../../src/log/event-log.ts'
import { startThread } from '../../src/main/threads.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import type { RecorderData } from './fixtures/recorder.ts'

const troubles: string[] = []
let log: EventLog | undefined

afterEach(async () => {
  await log?.close()
  log = undefined
  expect(troubles.splice(0)).toEqual([])
})

async function start(file: string): Promise<EventLog> {
  const settings = {
    to: 'file',
    file,
    maxBytes: 1_000_000_000,
    maxFiles: 3,
    origin: { service: 'echo', pid: 77 },
  } as const
  log = startLog(settings, startThread, systemClock, () => {}, troubles.push.bind(troubles))
  return log
}

function startRecorder(events: EventLog, settings: Omit<RecorderData, 'endpoint'>): Worker {
  const endpoint = events.fork()
  const workerData: RecorderData = { ...settings, endpoint }
  return new Worker(new URL('./fixtures/recorder.ts', import.meta.url), {
    workerData,
    transferList: transferOf(endpoint),
  })
}

const logged = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const range = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index)

describe('threads', () => {
  test('started from threads all reach the log, each in its own order', async () => {
    const file = join(temporaryFolder(), 'netlab.log')
    const events = await start(file)
    const recorder = startRecorder(events, { first: 0, count: 40_000, nested: true, ending: 'end' })
    await once(recorder, 'exit')
    await events.close()
    const ids: number[] = logged(file).map((line) => line.id)
    expect(ids.filter((id) => id < 20_000)).toEqual(range(0, 20_000))
    expect(ids.filter((id) => id >= 20_000)).toEqual(range(20_000, 20_000))
  })

  test('that die of an exception lose nothing', async () => {
    const file = join(temporaryFolder(), 'netlab.log')
    const events = await start(file)
    const recorder = startRecorder(events, { first: 0, count: 1_234, nested: false, ending: 'throw' })
    // Both are awaited at once: on a busy machine they are emitted in one go, before a continuation could listen for the second.
    const exited = new Promise((resolve) => recorder.once('exit', resolve))
    const [error] = await once(recorder, 'error')
    expect(error.message).toBe('thrown on purpose')
    await exited
    await events.close()
    expect(logged(file).map((line) => line.id)).toEqual(range(0, 1_234))
  })

  test('that are terminated lose at most what they held back, and the log says how much', async () => {
    const file = join(temporaryFolder(), 'netlab.log')
    const events = await start(file)
    const recorder = startRecorder(events, { first: 0, count: 3_000, nested: false, ending: 'hang' })
    await once(recorder, 'message')
    await recorder.terminate()
    await events.close()
    const lines = logged(file)
    const gap = lines.pop()
    expect(gap).toMatchObject({ event: 'log-gap', message: expect.stringContaining('a thread was ended') })
    expect(gap.lines).toBeGreaterThan(0)
    expect(lines.map((line) => line.id)).toEqual(range(0, 3_000 - gap.lines))
  })
})

test('a log on a full device says so once and lets the program go on', async () => {
  const events = await start('/dev/full')
  for (let id = 0; id < 20_000; id++) events.record({ type: 'sent', id, bytes: 1 })
  expect(events.drain(10_000)).toBe(true)
  await events.close()
  expect(troubles.splice(0)).toEqual([
    'the log file /dev/full cannot be written: no space is left on the device; what happens meanwhile is counted, not logged',
  ])
})
