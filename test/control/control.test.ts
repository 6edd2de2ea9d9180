import { lstatSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { systemClock } from '../../src/base/clock.ts'
import { ExitCode, UsageError } from '../../src/base/errors.ts'
import { ControlClient } from '../../src/control/control-client.ts'
import { type ControlServer, openControl } from '../../src/control/control-server.ts'
import { controlLimits } from '../../src/control/limits.ts'
import type { ControlRequest } from '../../src/control/messages.ts'
import { findSockets } from '../../src/control/socket-files.ts'
import { type Answer, nothingDone, type Operator, unasked } from '../../src/terminal/operator-console.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const opened: ControlServer[] = []
afterEach(() => {
  for (const server of opened.splice(0)) void server.close()
})

let stopping = false
const ok = (text: string): Answer => ({ text, exit: ExitCode.ok })

/** A console whose commands try what an operator can be asked and shown. */
async function carryOut(line: string, operator: Operator): Promise<Answer> {
  if (line === 'forget') {
    return operator.confirm('Forget all?', 'type: forget all').then(
      () => ok('forgotten'),
      (error) => ({ text: `${error.message} ${error.hint}`, exit: error.exit }),
    )
  }
  if (line === 'follow') {
    await operator.follow(async (show, signal) => {
      for (const text of ['one', 'two', 'x'.repeat(1_000_000)]) await show(text)
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      followed.resolve()
    })
  }
  if (line === 'stop') stopping = true
  return ok(`did ${line}`)
}
let followed = Promise.withResolvers<void>()

async function open(folder = temporaryFolder(), clock = systemClock): Promise<{ folder: string; path: string }> {
  stopping = false
  followed = Promise.withResolvers()
  const greeting = () => ({ version: '0', pid: 77, services: ['chat'], stopping })
  const before = new Set(findSockets(folder).map(({ path }) => path))
  opened.push(await openControl({ greeting, carryOut }, clock, folder))
  const path = findSockets(folder).find((found) => !before.has(found.path))?.path ?? ''
  return { folder, path }
}

async function send(path: string, line: string, confirm: ControlRequest['confirm'], operator = unasked) {
  const client = await ControlClient.connect(path, systemClock, controlLimits.answerMs)
  try {
    return await client?.carryOut({ line, confirm }, operator)
  } finally {
    client?.close()
  }
}

const asks = (yes: boolean): Operator => ({
  ...unasked,
  async confirm() {
    if (!yes) throw nothingDone('no')
  },
})

describe('a control socket', () => {
  test("is its owner's alone, has a name of its own, and leaves nothing behind", async () => {
    const { folder, path } = await open()
    const second = await open(folder)
    expect(lstatSync(path).mode & 0o777).toBe(0o600)
    expect(second.path).not.toBe(path)
    expect(readdirSync(folder)).toHaveLength(2)
    for (const server of opened.splice(0)) void server.close()
    expect(readdirSync(folder)).toEqual([])
  })

  test('of a server that was killed is removed by the next one; links and other files of such names are not touched', async () => {
    const { folder, path } = await open()
    const dead = join(folder, 'netlab-000000000000.sock')
    // What a kill leaves: a socket that nobody listens on.
    const script = `require('net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`
    const { spawnSync } = await import('node:child_process')
    spawnSync(process.execPath, ['-e', script])
    symlinkSync(path, join(folder, 'netlab-111111111111.sock'))
    writeFileSync(join(folder, 'netlab-222222222222.sock'), 'mine')
    expect(
      findSockets(folder)
        .map((found) => found.path)
        .sort(),
    ).toEqual([dead, path].sort())
    expect(await ControlClient.connect(dead, systemClock, 1000)).toBeUndefined()
    const next = await open(folder)
    while (findSockets(folder).some((found) => found.path === dead)) await new Promise(setImmediate)
    expect(new Set(findSockets(folder).map((found) => found.path))).toEqual(new Set([path, next.path]))
    expect(readdirSync(folder)).toHaveLength(4)
  })

  test.each([
    ['yes', unasked, { text: 'forgotten', exit: ExitCode.ok }],
    ['no', unasked, { text: 'Forget all? say --yes if you mean it', exit: ExitCode.usage }],
    ['ask', asks(true), { text: 'forgotten', exit: ExitCode.ok }],
    ['ask', asks(false), { text: 'nothing was done undefined', exit: ExitCode.negative }],
  ] as const)('a question where the answer is "%s"', async (confirm, operator, answer) => {
    const { path } = await open()
    expect(await send(path, 'forget', confirm, operator)).toEqual({ ...answer, ended: undefined })
  })

  test('shows what comes until nobody wants it any more', async () => {
    const { path } = await open()
    const shown: string[] = []
    const enough = new AbortController()
    const answer = await send(path, 'follow', 'no', {
      ...unasked,
      follow: (work) =>
        work(async (text) => {
          if (shown.push(text) === 3) enough.abort()
        }, enough.signal),
    })
    await followed.promise
    expect(shown.map(({ length }) => length)).toEqual([3, 3, 1_000_000])
    expect(answer?.exit).toBe(ExitCode.ok)
  })

  test('what is followed ends when its client is gone', async () => {
    const { path } = await open()
    const client = await ControlClient.connect(path, systemClock, controlLimits.answerMs)
    const operator = { ...unasked, follow: async () => client?.close() }
    await client?.carryOut({ line: 'follow', confirm: 'no' }, operator)
    await followed.promise
  })

  test('keeps whoever stopped the server until that has ended', async () => {
    const { path } = await open()
    const client = await ControlClient.connect(path, systemClock, controlLimits.answerMs)
    const answer = await client?.carryOut({ line: 'stop', confirm: 'no' }, unasked)
    expect(answer?.text).toBe('did stop')
    const late = await ControlClient.connect(path, systemClock, controlLimits.answerMs)
    expect(late?.greeting.stopping).toBe(true)
    for (const server of opened.splice(0)) void server.close()
    await answer?.ended
    await late?.untilEnd()
  })

  test('bears clients that are none: nonsense, too much, too many, silence, leaving at once', async () => {
    const clock = new VirtualClock()
    const { path } = await open(temporaryFolder(), clock)
    const closed = (bytes: Uint8Array | undefined) =>
      new Promise<void>((resolve) => {
        const socket = connect(path)
          .on('error', () => undefined)
          .on('close', () => resolve())
        socket.resume()
        if (bytes !== undefined) socket.write(bytes)
      })
    await closed(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await closed(Buffer.from([0, 0, 0, 2, 0x5b, 0x5d]))
    await closed(Buffer.from([0, 0, 0, 1, 0x7b]))
    connect(path)
      .on('error', () => undefined)
      .destroy()
    const silent = Array.from({ length: controlLimits.connectionCount + 1 }, () => closed(undefined))
    await Promise.race(silent)
    clock.advance(controlLimits.requestMs)
    await Promise.all(silent)
    expect((await send(path, 'status', 'no'))?.text).toBe('did status')
  })

  test('that does not answer costs no more than the deadline', async () => {
    const server = await open()
    const refused = new UsageError('never')
    const client = await ControlClient.connect(server.path, systemClock, 50)
    const never = client?.carryOut(
      { line: 'forget', confirm: 'ask' },
      {
        ...unasked,
        confirm: async () => {
          throw refused
        },
      },
    )
    expect((await never)?.exit).toBe(ExitCode.negative)
    const { createServer } = await import('node:net')
    const path = join(server.folder, 'hung')
    const hung = createServer(() => undefined)
    await new Promise<void>((resolve) => hung.listen(path, resolve))
    await expect(ControlClient.connect(path, systemClock, 50)).rejects.toMatchObject({
      message: 'the server does not answer within 0.05 s',
      exit: ExitCode.unavailable,
    })
    hung.close()
  })
})
