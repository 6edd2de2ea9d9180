import { EventEmitter, once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { ExitCode, serializeError } from '../../src/base/errors.ts'
import type { Thread } from '../../src/base/threads.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import { TestClient } from '../support/client.ts'
import { turnUntil } from '../support/event-loop.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startTestServer, type ThreadedServer } from '../support/test-server.ts'
import { threadNames } from '../support/thread-names.ts'

let running: ThreadedServer | undefined
const clients: TestClient[] = []

async function start(config: Partial<ServeConfig> = {}): Promise<ThreadedServer> {
  running = await startTestServer(config)
  return running
}

async function connect(port: number, host?: string): Promise<TestClient> {
  const client = await TestClient.connect(port, host)
  clients.push(client)
  return client
}

async function echoes(client: TestClient, text: string): Promise<void> {
  const before = client.received.length
  client.write(text)
  expect((await client.bytes(before + text.length)).subarray(before).toString()).toBe(text)
}

/** Holds a port like some other program. */
async function occupy(port = 0) {
  const other = createServer()
  other.listen(port, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, close: () => other.close() }
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await running?.server.stop('test over')
  running = undefined
})

test('bug: a server whose thread found that it can not go on while it opened the port never ended its start', async () => {
  const thread = new EventEmitter()
  const listening: Thread = Object.assign(thread, {
    // Asked for the port it says that it can't go on, and answers nothing else.
    postMessage: ({ call }: { readonly call: string }) => {
      const argument = serializeError(new Error('no room for a thread'))
      if (call === 'open') thread.emit('message', { call: 'failed', argument })
    },
    terminate: async () => undefined,
    ref: () => undefined,
    unref: () => undefined,
  })
  await expect(startTestServer({}, { start: () => listening })).rejects.toThrow('no room for a thread')
})

test('bug: a server whose listener thread died while the files were checked never ended its start', async () => {
  const thread = new EventEmitter()
  const dying: Thread = Object.assign(thread, {
    postMessage: () => undefined,
    terminate: async () => undefined,
    ref: () => undefined,
    unref: () => undefined,
  })
  const preflight = async (): Promise<boolean> => thread.emit('error', new Error('no memory for a thread'))
  await expect(startTestServer({}, { start: () => dying, preflight })).rejects.toThrow('no memory for a thread')
})

test('a server whose files turn out to be unusable once it listens ends and says why', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'users.json'), 'nonsense')
  const { server } = await startTestServer({ protocol: 'ident', options: { users: join(folder, 'users.json') } })
  await expect(server.stopped).rejects.toMatchObject({
    exit: ExitCode.io,
    message: expect.stringContaining('is damaged'),
  })
  expect(readdirSync(folder)).toEqual(['users.json'])
})

test('a server whose files could not be checked opens them first, and no port when they are unusable', async () => {
  const folder = temporaryFolder()
  const config = { protocol: 'ident', options: { users: join(folder, 'users.json') } }
  const good = await startTestServer(config, { preflightDone: false })
  const taken = startTestServer(
    { ...config, options: { users: join(folder, 'other') }, port: good.port, strictPort: true },
    { preflightDone: false },
  )
  await expect(taken).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await good.server.stop('test over')
  writeFileSync(join(folder, 'users.json'), 'nonsense')
  await expect(startTestServer(config, { preflightDone: false })).rejects.toMatchObject({
    exit: ExitCode.io,
    message: expect.stringContaining('is damaged'),
  })
  expect(readdirSync(folder)).toEqual(['users.json'])
})

test('bug: a server that was stopped before its accounts were open handed them threads that had ended', async () => {
  const folder = temporaryFolder()
  const files = { users: join(folder, 'users.json'), db: join(folder, 'netlab.db') }
  const { server } = await startTestServer({ protocol: 'auth', options: files })
  await server.stop('at once')
  expect(readdirSync(folder).filter((name) => name.includes('lock'))).toEqual([])
})

test('clients are served by the threads of the pool, the idlest first', async () => {
  const { server, port } = await start({ threads: 2 })
  const [one, two] = [await connect(port), await connect(port)]
  await echoes(one, 'one\n')
  await echoes(two, 'two\n')
  const table = await server.clients()
  expect(table.map(({ id, received, sent }) => [id, received, sent])).toEqual([
    [1, 4, 4],
    [2, 4, 4],
  ])
  expect(new Set(table.map(({ thread }) => thread)).size).toBe(2)
  expect(await server.status()).toMatchObject({ clients: 2, connections: 2, threads: 2, paused: false })
})

const linux = process.platform === 'linux' ? test : test.skip
linux('the listener and every client thread show in /proc', async () => {
  const { port } = await start({ threads: 2 })
  // One client on each, so that both run.
  await echoes(await connect(port), 'up\n')
  await echoes(await connect(port), 'up\n')
  expect(threadNames()).toEqual(expect.arrayContaining(['listener', 'client-1', 'client-2']))
})

test('with a thread for each client, threads come and go with the clients', async () => {
  const { server, port } = await start({ threadPerClient: true })
  expect((await server.status()).threads).toBe(0)
  const [one, two] = [await connect(port), await connect(port)]
  await echoes(one, 'one\n')
  await echoes(two, 'two\n')
  expect((await server.status()).threads).toBe(2)
  one.end()
  await one.all()
  await turnUntil(async () => (await server.status()).threads === 1, 'the end of the thread')
  await echoes(two, 'still\n')
})

test('the one client too many gets a sentence and a close, the others go on', async () => {
  const { port } = await start({ maxClients: 1 })
  const first = await connect(port)
  await echoes(first, 'in\n')
  const second = await connect(port)
  second.write('am I in?\n')
  expect((await second.all()).toString()).toBe('netlab: too many clients at the moment, please try again later\n')
  await echoes(first, 'still in\n')
  first.end()
  await first.all()
  await turnUntil(async () => {
    const third = await connect(port)
    third.write('now?\n')
    return (await third.bytes(5)).toString() === 'now?\n'
  }, 'a place for another client')
})

test('few file descriptors lower the number of clients', async () => {
  const { server } = await start({ freeDescriptors: 40, threads: 1 })
  expect((await server.status()).maxClients).toBe(18)
})

describe('the port', () => {
  test('falls back to the next free one', async () => {
    const other = await occupy()
    try {
      const { server } = await start({ port: other.port })
      expect(server.endpoint.port).toBeGreaterThan(other.port)
      await echoes(await connect(server.endpoint.port), 'hi\n')
    } finally {
      other.close()
    }
  })

  test('a strict port that is taken is refused with a next step', async () => {
    const other = await occupy()
    try {
      await expect(start({ port: other.port, strictPort: true })).rejects.toMatchObject({
        code: 'EADDRINUSE',
        exit: 69,
        message: `port ${other.port} on 127.0.0.1 is taken`,
        hint: expect.stringContaining('--strict-port'),
      })
    } finally {
      other.close()
    }
  })

  test('bug: an operator whose port was taken during a pause was told to leave out --strict-port', async () => {
    const { server } = await start()
    await server.pause()
    const other = await occupy(server.endpoint.port)
    try {
      await expect(server.resume()).rejects.toMatchObject({
        message: `port ${other.port} on 127.0.0.1 is taken`,
        hint: 'try again when the program that has it now has ended',
      })
    } finally {
      other.close()
    }
  })

  test('a link-local address without its interface is refused with a next step', async () => {
    await expect(start({ host: 'fe80::1' })).rejects.toMatchObject({
      exit: 69,
      hint: 'a link-local IPv6 address needs its interface, as in fe80::1%eth0',
    })
  })

  test('an address of another machine is refused with a next step', async () => {
    await expect(start({ host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
      exit: 69,
      message: '192.0.2.1 is no address of this machine',
    })
  })
})

describe('pause', () => {
  test('refuses new connections while the others go on, and resume takes the same port', async () => {
    const { server, port } = await start()
    const old = await connect(port)
    await echoes(old, 'before\n')
    expect(await server.pause()).toBe(true)
    expect(await server.pause()).toBe(false)
    await expect(TestClient.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await echoes(old, 'during\n')
    expect(await server.resume()).toBe(true)
    expect(await server.resume()).toBe(false)
    await echoes(await connect(port), 'after\n')
    await echoes(old, 'too\n')
  })

  test('a port that somebody else took meanwhile is told, and can be had later', async () => {
    const { server, port } = await start()
    await server.pause()
    const other = await occupy(port)
    await expect(server.resume()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect((await server.status()).paused).toBe(true)
    other.close()
    expect(await server.resume()).toBe(true)
  })
})

test('kick ends one conversation', async () => {
  const { server, port } = await start()
  const [one, two] = [await connect(port), await connect(port)]
  await echoes(one, '1\n')
  await echoes(two, '2\n')
  expect(await server.kick(1)).toBe(true)
  expect(await server.kick(7)).toBe(false)
  await one.all()
  expect(one.ended).toBe(true)
  await echoes(two, 'still here\n')
})

test('the line "stop" of a client on this machine ends the server', async () => {
  const { server, port, events } = await start()
  const [one, two] = [await connect(port), await connect(port)]
  await echoes(two, 'here\n')
  two.socket.on('end', () => two.end())
  one.end('stop\n')
  expect(await server.stopped).toBe('asked by client 1')
  await two.all()
  expect(two.ended).toBe(true)
  expect(events.map(({ type }) => type)).toEqual(['starting', 'stop-requested', 'stopped'])
  await expect(TestClient.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('an idle client is disconnected after the idle timeout, a busy one is not', async () => {
  const { port } = await start({ idleTimeout: 20 })
  const client = await connect(port)
  await client.all()
  expect(client.ended).toBe(true)
})

test('a thousand resets at any moment leave the server serving', async () => {
  const { server, port } = await start({ threads: 2, maxClients: 2000 })
  await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => {
      const client = await TestClient.connect(port)
      if (index % 3 === 1) client.write('half a line')
      if (index % 3 === 2) await client.write('a line\n').bytes(1)
      client.reset()
    }),
  )
  await turnUntil(async () => (await server.status()).clients === 0, 'the end of all clients')
  await echoes(await connect(port), 'fine\n')
})
