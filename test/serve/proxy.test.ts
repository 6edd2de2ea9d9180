import { once } from 'node:events'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { NetlabEvent } from '../../src/base/events.ts'
import { selfSignedCertificate } from '../../src/net/certificate.ts'
import { networkList } from '../../src/net/networks.ts'
import { echo } from '../../src/protocols/echo.ts'
import { serveLimits } from '../../src/serve/limits.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import { type AccountServer, startAccountServer } from '../support/account-server.ts'
import { TestClient } from '../support/client.ts'
import { LocalServer } from '../support/local-server.ts'
import { binaryHeader, ipv6Addresses } from '../support/proxy-header.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startTestServer } from '../support/test-server.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const proxyProtocol = networkList.parse('127.0.0.0/8, 2001:db8:aaaa::/48')
const header = 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 9090\r\n'
const localHeader = 'PROXY TCP4 127.0.0.1 127.0.0.1 4711 9090\r\n'
const none = { family: 0, addresses: Buffer.alloc(0) }
const unknowns: readonly (readonly [what: string, wire: Buffer | string])[] = [
  ['UNKNOWN', 'PROXY UNKNOWN\r\n'],
  ['UNSPEC', binaryHeader(none)],
  ['UNIX', binaryHeader({ family: 0x31, addresses: Buffer.alloc(216) })],
]

let server: LocalServer
const clients: TestClient[] = []

async function start(config: Partial<ServeConfig> = {}, peerAddress?: string, clock?: VirtualClock): Promise<void> {
  server = await LocalServer.start(
    echo,
    { proxyProtocol, ...config },
    { ...(peerAddress !== undefined && { peerAddress }), ...(clock !== undefined && { clock }) },
  )
}

async function connect(port = server.port): Promise<TestClient> {
  const client = await TestClient.connect(port)
  clients.push(client)
  return client
}

/** Sends all of it, half-closes, and answers with what came back. */
async function say(...words: readonly (string | Uint8Array)[]): Promise<string> {
  const client = await connect()
  for (const word of words) client.write(word)
  return (await client.end().all()).toString()
}

function types(events: readonly NetlabEvent[]): string[] {
  return events.map(({ type }) => type)
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await server?.close()
})

describe('behind a proxy', () => {
  test.each([
    ['version 1', header, { address: '192.0.2.7', port: 4711 }],
    ['version 2', binaryHeader({ checksum: 'right' }), { address: '192.0.2.7', port: 4711 }],
    ['IPv6', binaryHeader({ family: 0x21, addresses: ipv6Addresses }), { address: '2001:db8::7', port: 4711 }],
    [
      'a header of 60,000 bytes',
      binaryHeader({ extensions: [[4, Buffer.alloc(60_000)]] }),
      { address: '192.0.2.7', port: 4711 },
    ],
  ])('the peer is whom it names, from the first event to the last: %s', async (_what, wire, peer) => {
    await start()
    expect(await say(wire, 'hello\n')).toBe('hello\n')
    await server.event('disconnected')
    expect(server.events).toEqual([
      expect.objectContaining({ type: 'connected', peer }),
      expect.objectContaining({ type: 'received', bytes: 6 }),
      expect.objectContaining({ type: 'sent', bytes: 6 }),
      expect.objectContaining({ type: 'disconnected', peer, reason: 'peer-closed', received: 6, sent: 6 }),
    ])
  })

  test('the header may come byte by byte, and what follows in the same piece is served', async () => {
    await start()
    const client = await connect()
    for (const byte of Buffer.from(header)) {
      client.write(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    client.write('one\n')
    await client.bytes(4)
    const other = await connect()
    expect((await other.end(`${header}two\n`).all()).toString()).toBe('two\n')
    expect((await client.end().all()).toString()).toBe('one\n')
  })

  test('half a stream of 1 MB is in the same piece as the header', async () => {
    await start()
    const sent = Buffer.alloc(1_000_000, 'x')
    const client = await connect()
    client.end(Buffer.concat([Buffer.from(header), sent]))
    expect((await client.all()).equals(sent)).toBe(true)
  })

  test.each(unknowns)('a peer that it does not know is called by its address: %s', async (_what, wire) => {
    await start()
    expect(await say(wire, 'hello\n')).toBe('hello\n')
    expect((await server.event('connected')).peer.address).toBe('127.0.0.1')
  })

  test('it may speak for itself', async () => {
    await start()
    expect(await say(binaryHeader({ ...none, command: 0 }), 'hello\n')).toBe('hello\n')
    expect((await server.event('connected')).peer.address).toBe('127.0.0.1')
  })

  test.each([
    ['a client elsewhere', header],
    ['a client on this machine', localHeader],
    ['itself', binaryHeader({ ...none, command: 0 })],
    ...unknowns,
  ])('bug: a stop through a proxy on this machine ended the server: from %s', async (_what, wire) => {
    await start({ allowStop: 'any' })
    expect(await say(wire, 'stop\n')).toBe('stop\nstop refused: nobody stops this server through a proxy\n')
    expect(server.stopRequests).toEqual([])
    expect(await server.event('stop-refused')).toMatchObject({ rule: 'proxied' })
  })

  test.each([
    ['a request', 'GET / HTTP/1.1\r\n\r\n'],
    ['a frame', '\0\0\0\x05hello'],
    ['a malformed header', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\nhello\n'],
    ['a header of version 3', binaryHeader({ version: 3 })],
    ['an extension that is too long', binaryHeader({ extensions: [[4, Buffer.alloc(9)]], length: 14 })],
    ['half a header', 'PROXY TCP4 192.0.2'],
    ['nothing', ''],
  ])('without a header nothing is served: %s', async (_what, wire) => {
    await start()
    const client = await connect()
    if (wire.length > 0) client.write(wire)
    const answer = await client.end().all()
    expect(answer.toString()).toBe('netlab: from your address only proxies connect, which send a PROXY header first\n')
    expect(await server.event('disconnected')).toMatchObject({
      peer: { address: '127.0.0.1' },
      reason: 'protocol-error',
      received: 0,
      detail: expect.stringContaining('PROXY header'),
    })
    expect(types(server.events)).toEqual(['connected', 'disconnected'])
  })

  test('who sends no header in time is let go', async () => {
    const clock = new VirtualClock()
    await start({}, undefined, clock)
    const client = await connect()
    await client.write('PROXY TCP4 ').until(() => clock.pending > 0 || client.ended)
    clock.advance(serveLimits.proxyHeaderMs)
    expect((await client.all()).toString()).toContain('PROXY header first')
    client.end()
    expect((await server.event('disconnected')).detail).toBe('no PROXY header came in time')
  })

  test('who resets before the header is gone, and the next one is served', async () => {
    await start()
    const rude = await connect()
    rude.write('PROXY ')
    rude.reset()
    await server.event('disconnected')
    expect(await say(header, 'hello\n')).toBe('hello\n')
  })

  test('a second header is the client’s, and ends the conversation', async () => {
    await start()
    expect(await say(header, localHeader, 'hello\n')).toBe('')
    expect(await server.event('disconnected')).toMatchObject({
      peer: { address: '192.0.2.7' },
      detail: 'a PROXY header from 192.0.2.7, which --proxy-protocol does not name',
    })
  })
})

describe('a peer that no proxy speaks for', () => {
  test('is served without a header', async () => {
    await start({}, '192.0.2.7')
    expect(await say('hello\n')).toBe('hello\n')
  })

  test.each([
    ['version 1', header],
    ['UNKNOWN', 'PROXY UNKNOWN\r\n'],
    ['version 2', binaryHeader()],
  ])('may send no header: %s', async (_what, wire) => {
    await start({}, '192.0.2.7')
    const whole = await connect()
    expect((await whole.write(wire).write('hello\nstop\n').all()).toString()).toBe('')
    const bytes = Buffer.from(wire)
    const client = await connect()
    for (const byte of bytes) {
      if (client.ended) break
      client.write(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    await client.write('stop\n').all()
    expect(client.text).not.toContain('stop')
    expect(server.events.filter(({ type }) => type === 'connected')).toEqual([
      expect.objectContaining({ peer: expect.objectContaining({ address: '192.0.2.7' }) }),
      expect.objectContaining({ peer: expect.objectContaining({ address: '192.0.2.7' }) }),
    ])
    expect(server.stopRequests).toEqual([])
  })

  test('gets its bytes back where no proxy is expected at all', async () => {
    await start({ proxyProtocol: [] }, '192.0.2.7')
    expect(await say(header, 'hello\n')).toBe(`${header}hello\n`)
  })
})

describe('TLS behind a proxy', () => {
  const certificate = selfSignedCertificate('localhost', Date.now())

  test.each([
    ['version 1', header],
    ['version 2', binaryHeader()],
  ])('follows the header: %s', async (_what, wire) => {
    await start({ certificate })
    const client = await connect()
    client.write(wire)
    const { socket } = client
    socket.removeAllListeners('data')
    const secured = tlsConnect({ socket, ca: certificate.cert, servername: 'localhost' })
    await once(secured, 'secureConnect')
    secured.end('hello\n')
    const chunks: Buffer[] = []
    for await (const chunk of secured) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe('hello\n')
    expect((await server.event('connected')).peer).toEqual({ address: '192.0.2.7', port: 4711 })
  })

  test('a plain client of it is one from another machine', async () => {
    await start({ certificate })
    expect(await say(header, 'hello\n')).toContain('this server talks to other machines through TLS only')
  })

  test('a plain client of a proxy on its own machine is one from this machine', async () => {
    await start({ certificate })
    expect(await say(localHeader, 'hello\n')).toBe('hello\n')
  })
})

describe('a login behind a proxy', () => {
  let running: AccountServer | undefined
  afterEach(async () => {
    await running?.[Symbol.asyncDispose]()
    running = undefined
  })

  async function greeting(wire: Buffer | string, peerAddress?: string): Promise<string> {
    running = await startAccountServer({ proxyProtocol }, peerAddress)
    const client = await connect(running.port)
    return (await client.write(wire).end('exit\n').all()).toString()
  }

  const encrypted = binaryHeader({ extensions: [[0x20, Buffer.from([1, 0, 0, 0, 0])]] })

  test.each([
    ['bug: passwords from the network counted as local', header, undefined, false],
    ['a client on this machine', localHeader, undefined, true],
    ['TLS as far as a proxy on this machine', encrypted, undefined, true],
    ['TLS as far as a proxy elsewhere', encrypted, '2001:db8:aaaa::1', false],
    ['a client that says to be on this machine, through a proxy elsewhere', localHeader, '2001:db8:aaaa::1', false],
    ['the proxy itself', binaryHeader({ ...none, command: 0 }), undefined, true],
    ...unknowns.map(([what, wire]) => [`nobody knows who (${what})`, wire, undefined, false] as const),
  ] as const)('%s', async (_what, wire, peerAddress, welcome) => {
    const said = await greeting(wire, peerAddress)
    expect(said.includes('Passwords do not travel in plain text here')).toBe(!welcome)
    expect(said.includes('Name:')).toBe(welcome)
  })

  test('fails for the address that the proxy names', async () => {
    running = await startAccountServer({ proxyProtocol, insecure: true })
    await running.register('Ada', 'correct horse')
    const client = await connect(running.port)
    await client.write(header).write('Ada\nwrong password\nexit\n').end().all()
    const events = running.server.events.filter(({ type }) => type === 'login-failed')
    expect(events).toEqual([expect.objectContaining({ peer: { address: '192.0.2.7', port: 4711 } })])
  })

  test('from elsewhere with a header is none', async () => {
    running = await startAccountServer({}, '192.0.2.7')
    const client = await connect(running.port)
    await client.write(localHeader).end('Ada\nwrong password\n').all()
    expect(client.text).not.toContain('Name')
    await running.server.event('disconnected')
    expect(types(running.server.events)).toEqual(['connected', 'received', 'disconnected'])
  })
})

describe('in threads', () => {
  test.each([{ threads: 2 }, { threadPerClient: true }])('the operator sees whom proxies name: %j', async (config) => {
    const folder = temporaryFolder()
    const options = { users: join(folder, 'users.json') }
    const { server: whole, port } = await startTestServer({ protocol: 'ident', proxyProtocol, options, ...config })
    const names = ['192.0.2.1', '192.0.2.2', '2001:db8::3']
    for (const [index, name] of names.entries()) {
      const family = name.includes(':') ? 'TCP6' : 'TCP4'
      const client = await connect(port)
      const text = client.write(`PROXY ${family} ${name} ${name} ${index + 1} 2\r\nPerson${index}\n`)
      await text.until(`Nice to meet you, Person${index}.`)
    }
    expect((await whole.clients()).map(({ peer }) => peer)).toEqual(
      names.map((address, index) => ({ address, port: index + 1 })),
    )
    // Each is known by an address of its own the next time.
    const again = await connect(port)
    await again.write('PROXY TCP4 192.0.2.2 192.0.2.2 9 2\r\n').until('Hello, Person1.')
    await whole.stop('test over')
  })
})
