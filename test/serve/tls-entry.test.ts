import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { afterEach, describe, expect, test } from '@jest/globals'
import { errorCode } from '../../src/base/errors.ts'
import { selfSignedCertificate } from '../../src/net/certificate.ts'
import { FramedSocket } from '../../src/net/framed-socket.ts'
import { netLimits } from '../../src/net/limits.ts'
import { echo } from '../../src/protocols/echo.ts'
import type { ServeConfig } from '../../src/serve/options.ts'
import { defineProtocol } from '../../src/serve/protocol.ts'
import { tlsEntry } from '../../src/serve/tls-entry.ts'
import { pem } from '../support/certificates.ts'
import { TestClient } from '../support/client.ts'
import { LocalServer } from '../support/local-server.ts'
import { listen } from '../support/sockets.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const certificate = selfSignedCertificate('localhost', Date.now())
let server: LocalServer

async function start(
  config: Partial<ServeConfig> = {},
  peerAddress?: string,
  protocol = echo as Parameters<typeof LocalServer.start>[0],
) {
  server = await LocalServer.start(
    protocol,
    { certificate, ...config },
    peerAddress === undefined ? {} : { peerAddress },
  )
}

async function connectTls() {
  const socket = tlsConnect({ port: server.port, host: '127.0.0.1', ca: certificate.cert, servername: 'localhost' })
  await once(socket, 'secureConnect')
  return socket
}

afterEach(() => server.close())

test('every byte comes back through TLS, then the end', async () => {
  await start({}, '192.0.2.7')
  const socket = await connectTls()
  const sent = randomBytes(300_000).map((byte) => (byte === 0x0a ? 0 : byte) || 1)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.end(sent)
  await once(socket, 'close')
  expect(Buffer.concat(chunks).equals(sent)).toBe(true)
  expect(await server.event('disconnected')).toMatchObject({ reason: 'peer-closed', received: 300_000, sent: 300_000 })
})

test('a client on this machine may talk plainly on the same port', async () => {
  await start()
  const client = await TestClient.connect(server.port)
  client.end('plain\n')
  expect((await client.all()).toString()).toBe('plain\n')
})

test('a plain client from elsewhere is told what to use', async () => {
  await start({}, '192.0.2.7')
  const client = await TestClient.connect(server.port)
  client.write('plain\n')
  expect((await client.all()).toString()).toBe(
    'netlab: this server talks to other machines through TLS only; use: netlab connect --tls\n',
  )
  client.end()
  expect(await server.event('disconnected')).toMatchObject({ reason: 'protocol-error' })
})

test('a browser from elsewhere that came without TLS shows what to use', async () => {
  await start({}, '192.0.2.7')
  const response = await fetch(`http://127.0.0.1:${server.port}/`, { method: 'POST', body: 'stop' })
  expect(response.status).toBe(400)
  expect(await response.text()).toBe(
    'netlab: this server talks to other machines through TLS only; use: netlab connect --tls\n',
  )
})

test('a plain client from elsewhere is served when the operator allows it', async () => {
  await start({ plaintext: 'any' }, '192.0.2.7')
  const client = await TestClient.connect(server.port)
  client.end('plain\n')
  expect((await client.all()).toString()).toBe('plain\n')
})

test('bug: a plain client that said nothing but its end was never let go', async () => {
  await start()
  const client = await TestClient.connect(server.port)
  client.end()
  expect((await client.all()).length).toBe(0)
  expect(await server.event('disconnected')).toMatchObject({ reason: 'peer-closed', received: 0 })
})

test('bytes that are there when the time is up have the first word (TLS was taken for silence on a busy machine)', async () => {
  const clock = new VirtualClock()
  const entered = Promise.withResolvers<unknown>()
  await using one = await listen((socket) => {
    entered.resolve(tlsEntry(certificate).enter(FramedSocket.attach(socket), true, clock).catch(errorCode))
    client.write(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]))
    // As timers do it: after this, the loop looks at its sockets once before the next immediate.
    setImmediate(() => clock.advance(netLimits.dialectMs))
  })
  const client = connect(one.port, '127.0.0.1')
  expect(await entered.promise).toBe('TLS_HANDSHAKE')
})

test('garbage in the place of a handshake costs that connection only', async () => {
  await start()
  const bad = await TestClient.connect(server.port)
  bad.write(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]))
  await bad.all()
  bad.end()
  const event = await server.event('disconnected')
  expect(event).toMatchObject({ reason: 'protocol-error' })
  expect(event.detail).toMatch(/^the TLS handshake failed/)
  const socket = await connectTls()
  socket.end('x')
  const [chunk] = await once(socket, 'data')
  expect(String(chunk)).toBe('x')
})

test('a client that leaves during the handshake is forgotten', async () => {
  await start()
  const client = await TestClient.connect(server.port)
  client.write(Buffer.from([0x16]))
  await server.event('connected')
  client.reset()
  await server.event('disconnected')
  expect(server.runner.status()).toEqual([])
})

describe('TLS 1.2', () => {
  const suite = {
    cbc: 'ECDHE-ECDSA-AES128-SHA256',
    aes256: 'ECDHE-ECDSA-AES256-GCM-SHA384',
    aes128: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  }
  const old = { maxVersion: 'TLSv1.2', rejectUnauthorized: false, host: '127.0.0.1' } as const

  test('no cipher without authenticated encryption or without ephemeral keys is taken', async () => {
    await start()
    for (const ciphers of [suite.cbc, 'AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA']) {
      const socket = tlsConnect({ ...old, port: server.port, ciphers })
      await expect(once(socket, 'secureConnect')).rejects.toMatchObject({ code: expect.stringContaining('ALERT') })
    }
  })

  test("the order of ciphers is the server's", async () => {
    await start()
    const socket = tlsConnect({ ...old, port: server.port, ciphers: [suite.cbc, suite.aes256, suite.aes128].join(':') })
    await once(socket, 'secureConnect')
    expect(socket.getCipher().name).toBe(suite.aes128)
    socket.destroy()
  })

  test('a client that renegotiates is refused', async () => {
    await start()
    const socket = tlsConnect({ ...old, port: server.port })
    await once(socket, 'secureConnect')
    const refused = once(socket, 'close')
    socket.renegotiate({ rejectUnauthorized: false }, () => undefined)
    await expect(refused).rejects.toThrow('no renegotiation')
    socket.destroy()
  })

  test('nothing older is spoken', async () => {
    await start()
    const socket = tlsConnect({
      ...{ ...old, port: server.port, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    })
    await expect(once(socket, 'secureConnect')).rejects.toMatchObject({ code: expect.stringContaining('ALERT') })
  })
})

test('another certificate is shown to those who come, and those who are there stay', async () => {
  await start()
  const before = await connectTls()
  server.useCertificate({ cert: pem.leaf, key: pem.leafKey })
  const after = tlsConnect({ port: server.port, host: '127.0.0.1', ca: pem.intermediate, allowPartialTrustChain: true })
  await once(after, 'secureConnect')
  expect(after.getPeerCertificate().subject.CN).toBe('localhost')
  for (const socket of [before, after]) {
    socket.end('still here')
    const [chunk] = await once(socket, 'data')
    expect(String(chunk)).toBe('still here')
  }
})

test('a session knows whether somebody could read along', async () => {
  const seen: boolean[] = []
  const probe = defineProtocol({
    name: 'probe',
    summary: 'note what the session says',
    defaultPort: 9000,
    create: () => ({
      async serve(session) {
        seen.push(session.secure)
        await session.receive()
      },
    }),
  })
  await start({ plaintext: 'any' }, '192.0.2.7', probe)
  const plain = await TestClient.connect(server.port)
  plain.end('x\n')
  await plain.all()
  const secured = await connectTls()
  secured.end('x\n')
  await once(secured.resume(), 'close')
  expect(seen).toEqual([false, true])
})
