import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { errorCode } from '../../src/base/errors.ts'
import { TestClient } from '../support/client.ts'
import { turnUntil } from '../support/event-loop.ts'
import { executable } from '../support/executable.ts'
import { startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const serve = ['serve', 'echo', '--host', '127.0.0.1', '--port', '0', '--log-to', 'none']

async function portOf(netlab: ReturnType<typeof startNetlab>): Promise<number> {
  return Number(/:(\d+)$/.exec(await netlab.line(/listening on/))?.[1])
}

test('10,000 idle clients, and the next one is served', async () => {
  await using netlab = startNetlab(serve)
  const port = await portOf(netlab)
  const idle: Socket[] = []
  try {
    for (let batch = 0; batch < 100; batch++) {
      const sockets = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'))
      await Promise.all(sockets.map((socket) => once(socket, 'connect')))
      idle.push(...sockets)
    }
    const client = await TestClient.connect(port)
    expect((await client.end('hello\n').all()).toString()).toBe('hello\n')
    netlab.type('status')
    await netlab.line(/clients +1000[01] of at most 16384; 10001 since the start/)
  } finally {
    for (const socket of idle) socket.resetAndDestroy()
  }
  netlab.type('stop')
  expect(await netlab.finished()).toMatchObject({ stderr: '', exitCode: 0 })
})

/** The first bytes that the server says to `text`; 'reset' where it had no descriptor left even for a sentence. */
async function answered(port: number, text: string, keep: (client: TestClient) => void, length = 6): Promise<string> {
  try {
    const client = await TestClient.connect(port)
    keep(client)
    return (await client.write(text).bytes(length)).toString().slice(0, length)
  } catch (error) {
    if (errorCode(error) === 'ECONNRESET') return 'reset'
    throw error
  }
}

test('with 64 file descriptors: who fits is served, who does not is told, and nobody ends the server', async () => {
  await using netlab = startNetlab(['-c', 'ulimit -n 64; exec "$0" "$@"', executable, ...serve], { program: '/bin/sh' })
  const port = await portOf(netlab)
  const clients: TestClient[] = []
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => answered(port, 'hello\n', (client) => clients.push(client))),
  )
  expect(answers.filter((answer) => answer === 'hello\n').length).toBeGreaterThan(4)
  expect(answers.filter((answer) => answer === 'netlab').length).toBeGreaterThan(0)
  for (const client of clients) client.destroy()
  await turnUntil(async () => {
    for (const client of clients.splice(0)) client.destroy()
    return (await answered(port, 'late!\n', (client) => clients.push(client))) === 'late!\n'
  }, 'an answer to one who comes late')
  expect(await netlab.stop()).toMatchObject({ exitCode: 0 })
})

test('bug: of fifty clients that reset at once most left no trace in the log', async () => {
  const folder = temporaryFolder()
  await using netlab = startNetlab(['serve', 'echo', '--host', '127.0.0.1', '--port', '0'], { cwd: folder })
  const port = await portOf(netlab)
  for (let client = 0; client < 50; client++) {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.resetAndDestroy()
  }
  // Whoever comes after them is accepted after them.
  const last = await TestClient.connect(port)
  expect((await last.end('last\n').all()).toString()).toBe('last\n')
  await netlab.stop()
  const log = readFileSync(join(folder, 'logs', 'netlab.log'), 'utf8')
  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const came = lines.filter(({ event }) => event === 'connected' || event === 'gone')
  expect(came.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 51 }, (_, index) => index + 1),
  )
  const over = lines.filter(({ event }) => event === 'disconnected' || event === 'gone')
  expect(over).toHaveLength(51)
})

test('bug: a chat that found its clients waiting had no descriptor left for its own threads and files, and ended', async () => {
  const chat = ['serve', 'chat', '--host', '127.0.0.1', '--port', '0', '--threads', '1']
  await using netlab = startNetlab(['-c', 'ulimit -n 100; exec "$0" "$@"', executable, ...chat], {
    program: '/bin/sh',
    cwd: temporaryFolder(),
  })
  const port = await portOf(netlab)
  const crowd = Array.from({ length: 200 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  await Promise.all(
    crowd.map((socket) => Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => undefined)),
  )
  for (const socket of crowd) socket.destroy()
  const late: TestClient[] = []
  // It may take a moment until their places are free.
  await turnUntil(async () => {
    late.pop()?.destroy()
    return (await answered(port, '', (client) => late.push(client), 'netlab chat'.length)) === 'netlab chat'
  }, 'an answer to one who comes late')
  for (const client of late) client.destroy()
  expect(await netlab.stop()).toMatchObject({ stderr: '', exitCode: 0 })
})
