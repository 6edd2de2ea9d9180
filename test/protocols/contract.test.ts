import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, test } from '@jest/globals'
import { encodeFrame } from '../../src/net/frame-codec.ts'
import { allProtocols } from '../../src/protocols/index.ts'
import { TestClient } from '../support/client.ts'
import { turnUntil } from '../support/event-loop.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startTestServer, type ThreadedServer } from '../support/test-server.ts'

const protocols = await allProtocols()
let running: ThreadedServer | undefined

afterEach(async () => {
  await running?.server.stop('test over')
  running = undefined
})

async function start(protocol: (typeof protocols)[number]): Promise<number> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'users.json'), '{"version":1,"hosts":[],"users":[]}\n')
  const options = Object.fromEntries(Object.entries(protocol.options).map(([name, spec]) => [name, spec.default]))
  const files = { users: join(folder, 'users.json'), db: join(folder, 'netlab.db') }
  running = await startTestServer({ protocol: protocol.name, options: { ...options, ...files } })
  return running.port
}

async function gone(): Promise<void> {
  await turnUntil(async () => (await running?.server.status())?.clients === 0, 'the end of all clients')
}

const garbage: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['nothing', Buffer.alloc(0)],
  ['bytes of every value', Buffer.from(Array.from({ length: 256 }, (_, byte) => 255 - byte))],
  ['a header above every limit', Buffer.from([0, 255, 255, 255, 1, 2, 3])],
  ['a frame that is no JSON', encodeFrame('{"type":')],
  ['a frame that is the wrong JSON', encodeFrame('[null, {"type": 7}]')],
  ['half a frame', encodeFrame('{"type":"hello"}').subarray(0, 9)],
  ['a line of 100,000 bytes', Buffer.alloc(100_000, 'a')],
  ['control characters', Buffer.from('\u001b[2J\u0007\u202e\n\n\n')],
  ['a TLS handshake for a server without TLS', Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5])],
]

describe.each(protocols)('$name', (protocol) => {
  test('survives garbage, half-closes and resets, and leaks no connection', async () => {
    const port = await start(protocol)
    for (const [, bytes] of garbage) {
      const polite = await TestClient.connect(port)
      await polite.end(bytes).all()
      const rude = await TestClient.connect(port)
      rude.write(bytes)
      rude.reset()
    }
    await gone()
    const next = await TestClient.connect(port)
    next.write('exit\n')
    await next.all()
    expect(next.ended).toBe(true)
    next.end()
    await gone()
  })

  test('bug: a TLS client waited until it lost patience, where the server has no TLS', async () => {
    const socket = connectTls({ port: await start(protocol), host: '127.0.0.1', rejectUnauthorized: false })
    await expect(once(socket, 'secureConnect')).rejects.toMatchObject({ code: expect.stringMatching(/SSL|EPROTO/) })
    await gone()
  })

  test('ends its conversations when the server stops', async () => {
    const port = await start(protocol)
    const client = await TestClient.connect(port)
    client.write('hello\n')
    await client.bytes(1)
    client.socket.on('end', () => client.end())
    await running?.server.stop('test')
    await client.all()
    expect(client.ended).toBe(true)
    await expect(TestClient.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
