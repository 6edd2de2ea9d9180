import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../src/base/clock.ts'
import { ExitCode } from '../../src/base/errors.ts'
import { type EventLog, startLog } from '../../src/log/event-log.ts'
import { logLimits } from '../../src/log/limits.ts'
import { attachEventLog } from '../../src/log/line-writer.ts'
import type { LogDestination } from '../../src/log/messages.ts'
import { startThread } from '../../src/main/threads.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** A thread takes long to start on a machine that is busy or stalled. */
const patienceMs = 60_000
const peer = { address: '192.0.2.7', port: 40_001 }
const shown: string[] = []
const troubles: string[] = []
let log: EventLog | undefined

async function start(file: string, to: LogDestination = 'file', maxBytes = 1_000_000_000): Promise<EventLog> {
  const settings = { to, file, maxBytes, maxFiles: 3, origin: { service: 'echo', pid: 77 } }
  log = startLog(
    settings,
    startThread,
    systemClock,
    (text) => void shown.push(text),
    (sentence) => void troubles.push(sentence),
  )
  return log
}

afterEach(async () => {
  await log?.close()
  log = undefined
  expect(troubles.splice(0)).toEqual([])
  shown.length = 0
})

const logged = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
const ids = (file: string) => logged(file).map((line) => line.id)

describe('the event log', () => {
  test('creates folder and file for their owner alone, and keeps events in order', async () => {
    const file = join(temporaryFolder(), 'logs', 'netlab.log')
    const events = await start(file)
    events.record({ type: 'logs-cleared' })
    events.record({ type: 'received', id: 7, bytes: 5 })
    await events.close()
    expect(logged(file).map(({ event, message }) => [event, message])).toEqual([
      ['logs-cleared', 'The operator cleared the log'],
      ['received', 'Received 5 bytes from client 7'],
    ])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700)
  })

  test('a file that cannot be opened is refused at the start, with a next step', async () => {
    const folder = temporaryFolder()
    const refused = start(folder)
    await expect(refused).rejects.toMatchObject({
      exit: ExitCode.io,
      code: 'EISDIR',
      message: `cannot open the log file ${folder}: it is a directory`,
      hint: expect.stringContaining('--log-file'),
    })
  })

  test('shows lines for a person on the console, and writes no file then', async () => {
    const folder = temporaryFolder()
    const events = await start(join(folder, 'netlab.log'), 'console')
    events.record({ type: 'fault', where: 'a\u001b[2J', error: 'b' })
    expect(events.closeSync(patienceMs)).toBe(true)
    expect(shown).toEqual([
      expect.stringMatching(/^\d{4}-.* [+-]\d\d:\d\d error {3}echo\[77\]: Something went wrong in a\\x1b\[2J: b$/),
    ])
    expect(readdirSync(folder)).toEqual([])
  })

  test('follow shows what was wanted before and what comes, of all services of the process, until it is wanted no more', async () => {
    const events = await start(join(temporaryFolder(), 'netlab.log'))
    const chat = events.of('chat')
    chat.record({ type: 'kicked', id: 1, peer })
    events.record({ type: 'kicked', id: 2, peer })
    const enough = new AbortController()
    const seen: string[] = []
    const ids: Record<number, PromiseWithResolvers<void>> = { 1: Promise.withResolvers(), 4: Promise.withResolvers() }
    const show = async (lines: readonly string[]) => {
      for (const line of lines) {
        const { id, service, pid, event } = JSON.parse(line)
        seen.push(`${service} ${pid} ${event} ${id}`)
        ids[id]?.resolve()
      }
    }
    const following = events.follow(10, { traffic: false, service: 'chat' }, show, enough.signal)
    await ids[1]?.promise
    chat.record({ type: 'sent', id: 3, bytes: 1 })
    events.record({ type: 'kicked', id: 3, peer })
    attachEventLog(chat.fork(), systemClock).record({ type: 'kicked', id: 4, peer })
    await ids[4]?.promise
    enough.abort()
    await following
    chat.record({ type: 'kicked', id: 5, peer })
    events.drain(10_000)
    expect(seen).toEqual(['chat 77 kicked 1', 'chat 77 kicked 4'])
  })

  test('whoever follows too slowly misses lines and hears how many; the log goes on, and ends', async () => {
    const file = join(temporaryFolder(), 'netlab.log')
    const events = await start(file)
    const first = Promise.withResolvers<void>()
    const takes = Promise.withResolvers<void>()
    const next = Promise.withResolvers<number>()
    let seen = 0
    const show = async (lines: readonly string[], missed: number) => {
      seen += lines.length
      first.resolve()
      if (missed > 0) next.resolve(missed)
      await takes.promise
    }
    const following = events.follow(1, { traffic: true }, show, new AbortController().signal)
    events.record({ type: 'sent', id: 0, bytes: 1 })
    await first.promise
    const line = readFileSync(file, 'utf8').length
    const count = Math.ceil((3 * logLimits.followLength) / line)
    for (let id = 1; id <= count; id++) events.record({ type: 'sent', id, bytes: 1 })
    events.drain(10_000)
    takes.resolve()
    // The acknowledgement may come behind the next line, which then is missed, too.
    const beat = setInterval(() => events.record({ type: 'sent', id: 0, bytes: 1 }), 1)
    const missed = await next.promise
    clearInterval(beat)
    await events.close()
    await following
    expect(missed).toBeGreaterThan(count / 2)
    expect(seen + missed).toBeLessThanOrEqual(logged(file).length)
  })

  test('to none starts no thread', async () => {
    const events = startLog(
      { to: 'none', file: '/nowhere/netlab.log', maxBytes: 1, maxFiles: 1, origin: { service: 'echo', pid: 77 } },
      () => {
        throw new Error('a thread was started')
      },
      systemClock,
      () => {},
      () => {},
    )
    events.record({ type: 'logs-cleared' })
    expect(events.fork()).toBeNull()
    attachEventLog(events.fork(), systemClock).record({ type: 'logs-cleared' })
    expect(await events.tail(5)).toEqual([])
    await events.clear()
    await events.close()
    expect(events.closeSync(patienceMs)).toBe(true)
  })

  test('clear empties the log and removes old files; what is recorded afterwards stays', async () => {
    const folder = temporaryFolder()
    const file = join(folder, 'netlab.log')
    const events = await start(file, 'file', 100_000)
    for (let id = 0; id < 5_000; id++) events.record({ type: 'sent', id, bytes: 1 })
    events.drain(10_000)
    expect(readdirSync(folder).sort()).toEqual(['netlab.log', 'netlab.log.1', 'netlab.log.2', 'netlab.log.3'])
    for (let id = 5_000; id < 5_010; id++) events.record({ type: 'sent', id, bytes: 1 })
    const cleared = events.clear()
    for (let id = 5_010; id < 5_020; id++) events.record({ type: 'sent', id, bytes: 1 })
    await cleared
    events.record({ type: 'sent', id: 5_020, bytes: 1 })
    events.drain(10_000)
    expect(ids(file)).toEqual(Array.from({ length: 11 }, (_, index) => 5_010 + index))
    expect(readdirSync(folder)).toEqual(['netlab.log'])
  })

  test('tail returns the last lines, those just recorded included, also across a rotation', async () => {
    const file = join(temporaryFolder(), 'netlab.log')
    const events = await start(file, 'file', 80_000)
    for (let id = 0; id < 2_000; id++) events.record({ type: 'sent', id, bytes: 1 })
    const inFile = 10
    expect((await events.tail(inFile)).map((line) => JSON.parse(line).id)).toEqual(
      Array.from({ length: inFile }, (_, index) => 2_000 - inFile + index),
    )
    const all = (await events.tail(1_500)).map((line) => JSON.parse(line).id)
    expect(all).toEqual(Array.from({ length: 1_500 }, (_, index) => 500 + index))
  })
})
