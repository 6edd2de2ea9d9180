import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { serveAccounts } from '../../src/accounts/accounts-thread.ts'
import { argon2Hasher } from '../../src/accounts/argon2.ts'
import { type LocalAccounts, openAccounts } from '../../src/accounts/local-accounts.ts'
import { systemClock } from '../../src/base/clock.ts'
import { limits } from '../../src/base/limits.ts'
import { selfSignedCertificate } from '../../src/net/certificate.ts'
import { encodeFrames, FrameDecoder } from '../../src/net/frame-codec.ts'
import { netLimits } from '../../src/net/limits.ts'
import { auth } from '../../src/protocols/auth.ts'
import { ident } from '../../src/protocols/ident.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import { startAccountServer } from '../support/account-server.ts'
import { TestClient } from '../support/client.ts'
import { LocalServer } from '../support/local-server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
const usersPath = join(folder, 'users.json')
let accounts: LocalAccounts
beforeAll(async () => {
  accounts = await openAccounts(
    { usersPath, sessionTimes: { idleMs: 60_000, maxMs: 60_000 }, hashWidth: 1 },
    {
      clock: systemClock,
      record: () => undefined,
      hasher: argon2Hasher({ memoryKib: 64, passes: 1, lanes: 1 }),
    },
  )
})
afterAll(() => accounts.close())

/** One client thread's part of a server; all of them share the accounts. */
async function serve(
  definition: typeof auth | typeof ident,
  { peerAddress, ...config }: Partial<ServeConfig> & { peerAddress?: string } = {},
): Promise<LocalServer> {
  const { port1, port2 } = new MessageChannel()
  serveAccounts(port2, accounts)
  return LocalServer.start(definition, config, {
    channels: { accounts: port1 },
    ...(peerAddress !== undefined && { peerAddress }),
  })
}

/** Sends messages as frames, half-closes, and answers with what came back. */
async function frames(port: number, ...messages: object[]): Promise<Record<string, unknown>[]> {
  const client = await TestClient.connect(port)
  client.end(encodeFrames(messages.map((message) => JSON.stringify(message))))
  return [...new FrameDecoder().push(await client.all())].map((frame) => JSON.parse(frame.toString()))
}

/** Sends lines, half-closes, and answers with what came back. */
async function lines(port: number, ...text: string[]): Promise<string> {
  const client = await TestClient.connect(port)
  client.end(text.map((line) => `${line}\n`).join(''))
  return (await client.all()).toString()
}

test('a class of 60 behind one address registers and logs in within a minute, some mistyping, and nobody is refused', async () => {
  await using server = await startAccountServer({ maxClients: 200 })
  /** Says one thing on a connection of its own, as clients do that don't know yet who is new. */
  const say = async (message: object): Promise<string> => {
    const answers = await frames(server.port, message)
    const { type, reason } = answers.find(({ type }) => type !== 'hello' && type !== 'wait') ?? {}
    return reason === undefined ? `${type}` : `${type} ${reason}`
  }
  const beganMs = performance.now()
  const answers = await Promise.all(
    Array.from({ length: 60 }, async (_, n) => {
      const student = { name: `Student ${n}`, password: 'correct horse' }
      const first = await say({ type: 'login', ...student })
      const registered = await say({ type: 'register', ...student })
      const mistyped = n % 10 === 0 ? await say({ type: 'login', ...student, password: 'corect horse' }) : ''
      return [first, registered, mistyped, await say({ type: 'login', ...student })]
    }),
  )
  expect(performance.now() - beganMs).toBeLessThan(60_000)
  for (const [n, said] of answers.entries())
    expect(said).toEqual(['denied wrong', 'welcome', n % 10 === 0 ? 'denied wrong' : '', 'welcome'])
})

/** Sends the bytes after what it says at first, and answers with what came back until the server's FIN. */
async function spoil(port: number, first: string | Uint8Array, bytes: Uint8Array): Promise<Buffer> {
  const client = await TestClient.connect(port)
  client.write(first).write(bytes)
  const answer = await client.all()
  client.destroy()
  return answer
}

const ada = { name: 'Ada', password: 'correct horse' }

describe('auth, over sockets', () => {
  let one: LocalServer
  let other: LocalServer
  beforeAll(async () => {
    one = await serve(auth)
    other = await serve(auth)
  })
  afterAll(() => Promise.all([one.close(), other.close()]))

  test('bug: two passwords that are no UTF-8 were the same', async () => {
    const client = await TestClient.connect(one.port)
    client.end(Buffer.from('Jos\n\u00e4-password\n\u00e4-password\n\u00f6-password\nexit\n', 'latin1'))
    const heard = (await client.all()).toString()
    expect(heard.match(/did not arrive as UTF-8/g)).toHaveLength(3)
    expect(heard).not.toContain('register')
  })

  test('has the same accounts by lines and by frames, in any thread', async () => {
    expect(await lines(one.port, 'Ada', ada.password, ada.password)).toContain('Welcome, Ada. You are registered.')
    const answers = await frames(other.port, { type: 'login', ...ada }, { type: 'whoami' })
    expect(answers).toMatchObject([{ type: 'hello' }, { type: 'welcome', how: 'login' }, { name: 'Ada' }])
    const { token } = answers[1] as { token: string }
    expect(await lines(one.port, `resume ${token}`, 'logout all')).toContain('2 sessions ended.')
    const refused = await frames(other.port, { type: 'resume', token })
    expect(refused[1]).toMatchObject({ type: 'denied', reason: 'no-session' })
  })

  test('ends a session everywhere', async () => {
    const [, welcome] = await frames(one.port, { type: 'register', ...ada, name: 'Bob' })
    const { token } = welcome as { token: string }
    const clients = [await TestClient.connect(one.port), await TestClient.connect(other.port)]
    for (const client of clients) await client.write(`resume ${token}\n`).until('Commands:')
    clients[0]?.write('logout\n')
    expect(String(await clients[1]?.all())).toContain('Your session was ended from elsewhere.')
    expect(await other.event('session-revoked')).toMatchObject({ name: 'Bob' })
    for (const client of clients) client.destroy()
  })

  test('survives a line of ten megabytes', async () => {
    const client = await TestClient.connect(one.port)
    client.write('x'.repeat(10_000_000))
    expect((await client.all()).length).toBeLessThan(1000)
    client.destroy()
    expect(await lines(one.port, 'exit')).toContain('Goodbye.')
  })

  test('survives clients that reset while their password is being checked', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => TestClient.connect(one.port)))
    for (const client of clients) client.write('Cy\nwrong horse\n')
    await Promise.all(clients.map((client) => client.until('Password')))
    for (const client of clients) client.reset()
    expect(await lines(one.port, 'exit')).toContain('Goodbye.')
  })

  test('takes no password from another machine in plain text, and says how to connect', async () => {
    const remote = await serve(auth, { peerAddress: '192.0.2.7' })
    const answer = await lines(remote.port, 'Ada', ada.password)
    expect(answer).toMatch(
      /^netlab: Passwords do not travel in plain text here: this server was started without TLS\. .*\n$/,
    )
    expect(await remote.event('login-failed')).toMatchObject({ reason: 'plaintext' })
    expect(await frames(remote.port, { type: 'login', ...ada })).toMatchObject([{ type: 'bye', reason: 'plaintext' }])
    const tls = await serve(auth, {
      peerAddress: '192.0.2.7',
      certificate: selfSignedCertificate('localhost', Date.now()),
      plaintext: 'any',
    })
    expect(await lines(tls.port, 'Ada')).toContain('connect with TLS')
    const insecure = await serve(auth, { peerAddress: '192.0.2.7', insecure: true })
    expect(await lines(insecure.port, 'Ada')).toContain('Password')
    await Promise.all([remote.close(), tls.close(), insecure.close()])
  })
})

describe.each([auth, ident])('$name tells why it hangs up', (definition) => {
  let server: LocalServer
  beforeAll(async () => {
    server = await serve(definition)
  })
  afterAll(() => server.close())

  test('on a line above the limit', async () => {
    const text = String(await spoil(server.port, '\n', Buffer.alloc(netLimits.firstMessageBytes + 1, 'x')))
    expect(text).toMatch(/^netlab .*\nnetlab: a line is longer than 8192 bytes\n$/s)
  })

  test('on a frame above the limit, after it has answered those before', async () => {
    const wire = await spoil(server.port, encodeFrames(['{"type":"nonsense"}']), Buffer.from([0, 0, 0x20, 1, 0x7b]))
    const answers = [...new FrameDecoder().push(wire)].map((frame) => JSON.parse(frame.toString()))
    expect(answers[0]).toMatchObject({ type: 'hello' })
    expect(answers.slice(-2)).toEqual([
      { type: 'error', reason: 'bad-message', message: expect.stringMatching(/^The type of a message is one of/) },
      {
        type: 'error',
        reason: 'bad-message',
        message: 'A frame of 8193 bytes was announced, more than 8192.',
      },
    ])
  })

  test('on a frame that was cut short', async () => {
    const client = await TestClient.connect(server.port)
    client.end(encodeFrames(['{"type":"hello"}']).subarray(0, 9))
    const answers = [...new FrameDecoder().push(await client.all())].map((frame) => JSON.parse(frame.toString()))
    expect(answers.at(-1)).toMatchObject({ type: 'error', message: 'The connection ended in the middle of a frame.' })
  })
})

test('auth tells who has logged in why it hangs up, too', async () => {
  // From an address of its own: those who guessed before may have made this machine's wait.
  const server = await serve(auth, { peerAddress: '192.0.2.9', insecure: true })
  const answers = await frames(server.port, { type: 'register', ...ada, name: 'Dora' })
  const { token } = answers.find(({ type }) => type === 'welcome') ?? {}
  const long = Buffer.alloc(limits.lineBytes + 1, 'x')
  const text = String(await spoil(server.port, `resume ${token}\n`, long))
  expect(text).toMatch(/Welcome back, Dora.*\nnetlab: a line is longer than 65536 bytes\n$/s)
  await server.close()
})

describe('ident, over sockets', () => {
  test('greets by name from the second time on', async () => {
    const server = await serve(ident)
    expect(await lines(server.port, 'Ada')).toContain('Nice to meet you, Ada.')
    expect(readFileSync(usersPath, 'utf8')).toContain('"address":"127.0.0.1","name":"Ada"')
    expect(await lines(server.port)).toContain('Hello, Ada.')
    const [, greeting] = await frames(server.port, { type: 'hello' })
    expect(greeting).toEqual({ type: 'greeting', name: 'Ada', isNew: false })
    await server.close()
  })
})

describe.each([auth, ident])('a browser at $name', (definition) => {
  test.each([
    ['GET', undefined],
    ['POST', 'text/plain'],
    ['POST', 'application/x-www-form-urlencoded'],
  ])('%s (%s) shows a sentence, and is no failed login', async (method, type) => {
    const server = await serve(definition, { peerAddress: '198.51.100.7' })
    const request = {
      method,
      ...(type !== undefined && { body: 'Ada\r\nwrong password\r\n'.repeat(20), headers: { 'content-type': type } }),
    }
    const response = await fetch(`http://127.0.0.1:${server.port}/Ada`, request)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toMatch(/^This is a netlab server, not a web server\. .*\n$/)
    expect(await server.event('disconnected')).toMatchObject({ reason: 'protocol-error', detail: 'an HTTP request' })
    expect(server.events.map(({ type }) => type)).not.toContain('login-failed')
    await server.close()
  })
})
