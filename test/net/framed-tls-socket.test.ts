import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { expect, test } from '@jest/globals'
import { NetworkError } from '../../src/base/errors.ts'
import { selfSignedCertificate } from '../../src/net/certificate.ts'
import { sniffDialect } from '../../src/net/dialect.ts'
import { FramedSocket } from '../../src/net/framed-socket.ts'
import { FramedTlsSocket } from '../../src/net/framed-tls-socket.ts'
import { listen } from '../support/sockets.ts'

const { key, cert } = selfSignedCertificate('localhost', Date.now())
const secureContext = createSecureContext({ key, cert })

/** Looks at the first byte, puts it back, and echoes frames, inside TLS or not. */
async function echoEither(socket: Socket): Promise<void> {
  await once(socket, 'readable')
  const begun: Buffer = socket.read()
  socket.unshift(begun)
  const framed =
    sniffDialect(begun[0]) === 'tls'
      ? new FramedTlsSocket(socket, { isServer: true, secureContext })
      : FramedSocket.attach(socket)
  for (let text = await framed.receive(); text !== undefined; text = await framed.receive()) framed.send(text)
  framed.end()
}

test('plain frames and frames in TLS 1.3 are served on one port', async () => {
  await using server = await listen((socket) => void echoEither(socket))
  const plain = FramedSocket.attach(connectPlain(server.port, '127.0.0.1'))
  plain.send('plain')
  expect(await plain.receive()).toBe('plain')
  plain.end()

  const secure = connectTls({ port: server.port, host: '127.0.0.1', ca: cert, servername: 'localhost' })
  await once(secure, 'secureConnect')
  expect(secure.authorized).toBe(true)
  expect(secure.getProtocol()).toBe('TLSv1.3')
  const framed = FramedTlsSocket.attach(secure)
  expect(framed).toBeInstanceOf(FramedTlsSocket)
  framed.sendAll(['in', 'TLS'])
  expect([await framed.receive(), await framed.receive()]).toEqual(['in', 'TLS'])
  framed.end()
  expect(await framed.receive()).toBeUndefined()
})

test('a peer that breaks off its TLS handshake is an error of that connection alone', async () => {
  const outcome = Promise.withResolvers<unknown>()
  await using server = await listen((socket) => outcome.resolve(echoEither(socket).catch((error: unknown) => error)))
  const peer = connectPlain(server.port, '127.0.0.1')
  peer.end(Uint8Array.from([0x16, 0x03, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5]))
  expect(await outcome.promise).toBeInstanceOf(NetworkError)
})
