import { once } from 'node:events'
import { connect as connectPlain, Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { describe, expect, test } from '@jest/globals'
import { NetworkError, ProtocolError } from '../../src/base/errors.ts'
import { selfSignedCertificate } from '../../src/net/certificate.ts'
import { sniffDialect } from '../../src/net/dialect.ts'
import { encodeFrame, encodeFrames } from '../../src/net/frame-codec.ts'
import { FramedSocket } from '../../src/net/framed-socket.ts'
import { FramedTlsSocket } from '../../src/net/framed-tls-socket.ts'
import { whileTrue } from '../support/event-loop.ts'
import { listen, socketPair } from '../support/sockets.ts'

describe('FramedSocket', () => {
  test('is a socket, and an accepted one becomes it by changing its class', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    expect(framed).toBe(pair.accepted)
    expect(framed).toBeInstanceOf(FramedSocket)
    expect(framed).toBeInstanceOf(Socket)
  })

  test('sends and receives text and bytes in both directions', async () => {
    await using pair = await socketPair()
    const server = FramedSocket.attach(pair.accepted)
    const client = FramedSocket.attach(pair.peer)
    expect(client.send('héllo')).toBe(true)
    client.send(Buffer.from([0, 0x41, 0xff]))
    expect(await server.receive()).toBe('héllo')
    expect(await server.receive()).toBe('\u0000A\ufffd')
    server.sendAll(['one', '', 'three'])
    expect([await client.receive(), await client.receive(), await client.receive()]).toEqual(['one', '', 'three'])
  })

  test('connects by itself when built new', async () => {
    await using server = await listen((socket) => socket.pipe(socket))
    const client = new FramedSocket()
    client.connect(server.port, '127.0.0.1')
    client.send('echo')
    expect(await client.receive()).toBe('echo')
    client.end()
    expect(await client.receive()).toBeUndefined()
  })

  test('several receives wait in order, and all learn of the end', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    const waiting = [framed.receive(), framed.receive(), framed.receive(), framed.receive()]
    pair.peer.end(encodeFrames(['a', 'b']))
    expect(await Promise.all(waiting)).toEqual(['a', 'b', undefined, undefined])
    expect(await framed.receive()).toBeUndefined()
  })

  test('frames of one chunk that are asked for after the end are all there', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    pair.peer.end(encodeFrames(['a', 'b', 'c']))
    expect(await framed.receive()).toBe('a')
    await once(framed, 'end')
    expect([await framed.receive(), await framed.receive(), await framed.receive()]).toEqual(['b', 'c', undefined])
  })

  test('can still answer after the peer half-closed', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    const client = FramedSocket.attach(pair.peer)
    client.send('last')
    client.end()
    expect([await framed.receive(), await framed.receive()]).toEqual(['last', undefined])
    framed.send('answer')
    framed.end()
    expect([await client.receive(), await client.receive()]).toEqual(['answer', undefined])
  })

  test('a chunk that was read before and put back is part of the stream', async () => {
    await using pair = await socketPair()
    pair.peer.write(encodeFrame('first'))
    await once(pair.accepted, 'readable')
    const begun: Buffer = pair.accepted.read()
    pair.accepted.unshift(begun)
    pair.accepted.removeAllListeners('readable')
    const framed = FramedSocket.attach(pair.accepted)
    pair.peer.write(encodeFrame('second'))
    expect([await framed.receive(), await framed.receive()]).toEqual(['first', 'second'])
  })

  test('a header above the limit is a ProtocolError after the good frames; the connection is still there for an answer', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted, 16)
    pair.peer.write(Buffer.concat([encodeFrame('good'), Buffer.from('GET / HTTP/1.1\r\n')]))
    expect(await framed.receive()).toBe('good')
    expect(framed.destroyed).toBe(false)
    await expect(framed.receive()).rejects.toThrow(ProtocolError)
    await expect(framed.receive()).rejects.toThrow(ProtocolError)
    expect(framed.send('too long')).toBe(true)
    const answers = FramedSocket.attach(pair.peer)
    expect(await answers.receive()).toBe('too long')
    framed.destroy()
    await once(framed, 'close')
    await expect(framed.receive()).rejects.toThrow(ProtocolError)
  })

  test('an end within a frame is a ProtocolError', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    pair.peer.end(encodeFrame('whole').subarray(0, 6))
    await expect(framed.receive()).rejects.toMatchObject({ code: 'TRUNCATED_FRAME' })
  })

  test('a payload above the limit is refused before anything is sent', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted, 4)
    expect(() => framed.sendAll(['ok', 'too long'])).toThrow(RangeError)
    expect(framed.bytesWritten).toBe(0)
  })

  test.each<[string, (peer: Socket) => void]>([
    ['before anything', () => undefined],
    ['within a header', (peer) => peer.write(Buffer.from([0, 0]))],
    ['within a payload', (peer) => peer.write(encodeFrame('hello').subarray(0, 7))],
  ])('a reset %s rejects the one who waits, with a sentence', async (_, begin) => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    const waiting = framed.receive()
    begin(pair.peer)
    pair.peer.write('', () => pair.peer.resetAndDestroy())
    await expect(waiting).rejects.toThrow(NetworkError)
    await expect(framed.receive()).rejects.toMatchObject({
      code: 'ECONNRESET',
      message: expect.stringMatching(/reset by the other side/),
    })
  })

  test('a reset that nobody waits for is no uncaught error, and is told to the next who asks', async () => {
    await using pair = await socketPair()
    pair.accepted.removeAllListeners('error')
    const framed = FramedSocket.attach(pair.accepted)
    framed.resume()
    const closed = new Promise((resolve) => framed.once('close', resolve))
    pair.peer.resetAndDestroy()
    await closed
    await expect(framed.receive()).rejects.toThrow(NetworkError)
    expect(framed.send('late')).toBe(false)
  })

  test('our own close ends the wait', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    const waiting = framed.receive()
    framed.destroy()
    expect(await waiting).toBeUndefined()
  })

  test('sending after our end is refused quietly', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    framed.end()
    expect(framed.send('late')).toBe(false)
    expect(framed.destroyed).toBe(false)
  })

  test('send says false to one who sends faster than the peer takes, and drains once it is read', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    const payload = Buffer.alloc(500_000, 1)
    let sent = 1
    whileTrue(() => {
      const taken = framed.send(payload)
      if (taken) sent++
      return taken
    }, 1_000)
    const client = FramedSocket.attach(pair.peer)
    const drained = once(framed, 'drain')
    for (let received = 0; received < sent; received++) {
      expect(await client.receive()).toBe(String(payload))
    }
    await drained
  })

  test('a peer that is not listened to fills the system and not this process', async () => {
    await using pair = await socketPair()
    const framed = FramedSocket.attach(pair.accepted)
    const first = framed.receive()
    const client = FramedSocket.attach(pair.peer)
    let sent = 1
    whileTrue(() => {
      const more = client.send(Buffer.alloc(500_000)) || sent < 40
      if (more) sent++
      return more
    }, 1_000)
    expect((await first)?.length).toBe(500_000)
    expect(framed.readableLength).toBeLessThanOrEqual(2 * 65_536)
    for (let received = 1; received < sent; received++) expect((await framed.receive())?.length).toBe(500_000)
  })
})

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
