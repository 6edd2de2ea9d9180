import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { PassThrough, Readable, Writable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { ExitCode, NetworkError, ProtocolError, StorageError, UsageError } from '../../src/base/errors.ts'
import { connect } from '../../src/commands/connect/index.ts'
import { tlsOnly } from '../../src/net/dialect.ts'
import { encodeFrame, encodeFrames, FrameDecoder } from '../../src/net/frame-codec.ts'
import { type TestContext, testContext } from '../support/command-context.ts'
import { FakeKeyboard, FakeScreen } from '../support/fake-terminal.ts'
import { listen } from '../support/sockets.ts'
import { connectValues } from './connect-values.ts'

type Values = Parameters<typeof connect.run>[0]

const echo = (socket: Socket): void => void socket.on('error', () => undefined).pipe(socket)

function pipe(test: TestContext, port: number, values: Partial<Values> = {}): Promise<ExitCode> {
  return connect.run({ ...connectValues, port, ...values }, test.context)
}

describe('connect in a pipe', () => {
  test('sends its input, half-closes, prints all that comes back, and says so on stderr', async () => {
    await using server = await listen(echo)
    const io = testContext()
    io.stdin.end('a\nb\n')
    expect(await pipe(io, server.port)).toBe(ExitCode.ok)
    expect(io.stdout.text).toBe('a\nb\n')
    expect(io.stderr.text.split('\n')).toEqual([
      `connected to 127.0.0.1:${server.port}`,
      'disconnected after 0 ms, sent 4 bytes, received 4 bytes: this side ended it, and the server too',
      '',
    ])
  })

  test('--quiet says nothing', async () => {
    await using server = await listen(echo)
    const io = testContext()
    io.stdin.end('a')
    expect(await pipe(io, server.port, { quiet: true })).toBe(ExitCode.ok)
    expect([io.stdout.text, io.stderr.text]).toEqual(['a', ''])
  })

  test('is binary safe, both ways at once, in order and without loss', async () => {
    await using server = await listen(echo)
    const block = randomBytes(1_048_576)
    const [sent, received] = [createHash('sha256'), createHash('sha256')]
    const source = Readable.from(
      (function* () {
        for (let count = 0; count < 24; count++) {
          sent.update(block)
          yield block
        }
      })(),
    )
    const stdout = new Writable({
      write(chunk, _, done) {
        received.update(chunk)
        setImmediate(done)
      },
    })
    const io = testContext({ stdin: source, stdout })
    expect(await pipe(io, server.port)).toBe(ExitCode.ok)
    expect(received.digest('hex')).toBe(sent.digest('hex'))
  })

  test('a server that never reads makes the input wait, with little held', async () => {
    await using server = await listen((socket) => void socket.pause())
    const block = Buffer.alloc(1_048_576)
    const io = testContext({ stdin: Readable.from(endless(block)) })
    const stdin = io.context.stdin
    const ended = pipe(io, server.port)
    await once(stdin, 'pause')
    io.abort('SIGINT')
    await expect(ended).rejects.toBe('SIGINT')
    expect(io.stderr.text).toMatch(/disconnected .*: interrupted\n$/)
  })

  test('an output that nobody reads stops the server, not the input', async () => {
    const heard = Promise.withResolvers<string>()
    await using server = await listen((socket) => {
      socket.on('error', () => undefined)
      Readable.from(endless(Buffer.alloc(65_536))).pipe(socket)
      socket.on('data', (chunk) => heard.resolve(String(chunk)))
    })
    const stuck = new Writable({ write: () => stuck.emit('stuck') })
    const io = testContext({ stdout: stuck })
    const ended = pipe(io, server.port)
    await once(stuck, 'stuck')
    io.stdin.write('still heard')
    expect(await heard.promise).toBe('still heard')
    io.abort('SIGTERM')
    await expect(ended).rejects.toBe('SIGTERM')
    expect(stuck.writableLength).toBeLessThanOrEqual(65_536 + stuck.writableHighWaterMark)
  })

  test('a server that closes first ends it at once, exit 0', async () => {
    await using server = await listen((socket) => socket.end('too many clients\n'))
    const io = testContext()
    expect(await pipe(io, server.port)).toBe(ExitCode.ok)
    expect(io.stdout.text).toBe('too many clients\n')
    expect(io.stdin.isPaused()).toBe(true)
  })

  test('who ended it is said: a server that closes is not one that answers our end', async () => {
    await using server = await listen((socket) => void socket.end('bye\n'))
    const io = testContext()
    expect(await pipe(io, server.port)).toBe(ExitCode.ok)
    expect(io.stderr.text).toMatch(/received 4 bytes: the server closed the connection\n$/)
  })

  const crowded = 'netlab: too many clients at the moment, please try again later\n'
  test.each<[string, Values['framing'], readonly string[], ExitCode, RegExp, string]>([
    ['that turns us away', 'text', [crowded], ExitCode.unavailable, /^the server says: too many clients/, ''],
    ['that turns us away, and we speak frames', 'frames', [crowded], ExitCode.unavailable, /too many clients/, ''],
    ['that wants TLS', 'text', [`netlab: ${tlsOnly}\n`], ExitCode.unavailable, /takes nobody without TLS/, ''],
    [
      'that takes no password in plain text',
      'text',
      ['netlab: Passwords do not travel in plain text here: …\n'],
      ExitCode.unavailable,
      /^the server says: Passwords do not/,
      '',
    ],
    [
      'that has enough of us',
      'text',
      ['netlab auth. "exit" leaves.\n', 'netlab: You took too long to log in.\r\n'],
      ExitCode.negative,
      /^the server ended the conversation: You took too long to log in\.$/,
      'netlab auth. "exit" leaves.\nnetlab: You took too long to log in.\r\n',
    ],
  ])('a server %s was exit 0', async (_, framing, said, exit, message, shown) => {
    await using server = await listen(async (socket) => {
      socket.on('error', () => undefined).resume()
      for (const words of said) await new Promise((resolve) => socket.write(words, resolve))
      socket.end()
    })
    const io = testContext()
    await expect(pipe(io, server.port, { framing })).rejects.toMatchObject({
      exit,
      message: expect.stringMatching(message),
    })
    expect(io.stdout.text).toBe(shown)
    expect(io.stderr.text).toMatch(/: the server closed the connection\n$/)
  })

  test('the echo of a line that looks like a refusal is none, nor is one in the middle', async () => {
    await using echoing = await listen(echo)
    const io = testContext()
    io.stdin.end('netlab: x\n')
    expect(await pipe(io, echoing.port)).toBe(ExitCode.ok)
    await using telling = await listen((socket) => void socket.end('netlab: x\nand more\n'))
    expect(await pipe(testContext(), telling.port)).toBe(ExitCode.ok)
  })

  test('an echo that was cut short was a quiet end', async () => {
    await using server = await listen((socket) => void socket.once('data', (chunk) => socket.end(chunk.subarray(0, 3))))
    const io = testContext()
    io.stdin.end('abcdefgh')
    await expect(pipe(io, server.port)).rejects.toMatchObject({
      exit: ExitCode.unavailable,
      message: 'the server returned 3 of the 8 bytes that it was sent, and closed',
    })
    expect(io.stdout.text).toBe('abc')
    expect(io.stderr.text).toMatch(/sent 8 bytes, received 3 bytes: the server closed the connection\n$/)
  })

  test('nor is one quiet of a server that takes much more and drops it', async () => {
    await using server = await listen((socket) => {
      socket.once('data', (chunk) => {
        socket.write(chunk)
        socket.resume().once('end', () => socket.end())
      })
    })
    const blocks = Array.from({ length: 40 }, () => Buffer.alloc(1_048_576))
    const io = testContext({ stdin: Readable.from(blocks) })
    await expect(pipe(io, server.port)).rejects.toMatchObject({
      message: expect.stringMatching(/^the server returned \d+ of the 41943040 bytes that it was sent, and closed$/),
    })
  })

  test.each([
    ['an answer is no echo', 'GET / HTTP/1.0\n\n', 'HTTP/1.0 200\n'],
    ['what follows a farewell does not come back', 'a\nexit\nb\n', 'a\nexit\n'],
    ['nor does it in frames', encodeFrames(['a', 'exit', 'b']), encodeFrames(['a', 'exit'])],
    ['no answer at all is none', 'for the bin', ''],
  ])('%s', async (_, sent, returned) => {
    await using server = await listen((socket) => void socket.once('data', () => socket.end(returned)))
    const io = testContext()
    io.stdin.end(sent)
    expect(await pipe(io, server.port)).toBe(ExitCode.ok)
  })

  test('a server that speaks on after our end is heard to its own', async () => {
    await using server = await listen((socket) =>
      socket.resume().on('end', () => socket.write('one ', () => socket.end('two'))),
    )
    const io = testContext()
    io.stdin.end()
    expect(await pipe(io, server.port)).toBe(ExitCode.ok)
    expect(io.stdout.text).toBe('one two')
  })

  test('a reset in the middle is a NetworkError', async () => {
    await using server = await listen((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.write('begun', () => socket.resetAndDestroy()))
    })
    const io = testContext()
    io.stdin.write('hello')
    await expect(pipe(io, server.port)).rejects.toMatchObject({ code: 'ECONNRESET', exit: ExitCode.unavailable })
    expect(io.stderr.text).toMatch(/^disconnected .*: the connection broke$/m)
  })

  test('nobody reading stdout any more is a quiet end; another fault of it is not', async () => {
    await using server = await listen(echo)
    const broken = (code: string): Writable =>
      new Writable({ write: (_, __, done) => done(Object.assign(new Error(code), { code })) })
    const gone = testContext({ stdout: broken('EPIPE') })
    gone.stdin.write('x')
    expect(await pipe(gone, server.port)).toBe(ExitCode.ok)
    const full = testContext({ stdout: broken('ENOSPC') })
    full.stdin.write('x')
    await expect(pipe(full, server.port)).rejects.toThrow(StorageError)
  })

  test('an input that cannot be read is a sentence', async () => {
    await using server = await listen(echo)
    const io = testContext()
    const ended = pipe(io, server.port)
    await io.stderr.waitFor('connected')
    io.stdin.destroy(Object.assign(new Error('EISDIR'), { code: 'EISDIR' }))
    await expect(ended).rejects.toThrow('the input cannot be read: it is a directory')
  })

  test('on a terminal the output of a pipe is escaped', async () => {
    await using server = await listen((socket) => socket.end('\x1b[2Jred\r\nnext\n'))
    const screen = Object.assign(new PassThrough(), { isTTY: true })
    const io = testContext({ stdout: screen })
    await pipe(io, server.port)
    expect(String(screen.read())).toBe('\\x1b[2Jred\nnext\n')
  })
})

describe('connect --framing frames in a pipe', () => {
  test('each line becomes a frame, each frame a line', async () => {
    const wire: Buffer[] = []
    await using server = await listen((socket) => {
      socket.on('data', (chunk) => wire.push(chunk))
      socket.on('end', () => socket.end(encodeFrames(['x', '', Buffer.from([0xff, 0x00])])))
    })
    const chunks: Buffer[] = []
    const stdout = new Writable({
      write: (chunk, _, done) => {
        chunks.push(chunk)
        done()
      },
    })
    const io = testContext({ stdout })
    io.stdin.end('one\r\ntw\n\nlast')
    expect(await pipe(io, server.port, { framing: 'frames' })).toBe(ExitCode.ok)
    expect(Buffer.concat(wire)).toEqual(encodeFrames(['one', 'tw', '', 'last']))
    expect([...Buffer.concat(chunks)]).toEqual([...Buffer.from('x\n\n'), 0xff, 0x00, 0x0a])
  })

  test.each<[string, Buffer]>([
    ['a header above the limit', Buffer.from('HTTP/1.1 400 Bad Request\r\n')],
    ['an end within a frame', encodeFrame('hello').subarray(0, 6)],
  ])('%s is the server speaking nonsense', async (_, bytes) => {
    await using server = await listen((socket) => socket.on('error', () => undefined).end(bytes))
    await expect(pipe(testContext(), server.port, { framing: 'frames' })).rejects.toThrow(ProtocolError)
  })

  test('a line that is longer than a frame may be is wrong usage', async () => {
    await using server = await listen(echo)
    const io = testContext()
    io.stdin.end(Buffer.alloc(1_100_000, 'x'))
    await expect(pipe(io, server.port, { framing: 'frames' })).rejects.toThrow(UsageError)
  })
})

test('--hex shows both directions, with the time, in place of the output', async () => {
  await using server = await listen(echo)
  const io = testContext()
  io.stdin.write('0123456789abcdef!\n')
  const ended = pipe(io, server.port, { hex: true })
  await io.stdout.waitFor('< 00000010')
  io.clock.advance(1500)
  io.stdin.end('\xe9\n')
  expect(await ended).toBe(ExitCode.ok)
  expect(io.stdout.text.split('\n')).toEqual([
    '> 22:13:20.000Z 18 bytes',
    '> 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|',
    '> 00000010  21 0a                                             |!.|',
    '< 22:13:20.000Z 18 bytes',
    '< 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|',
    '< 00000010  21 0a                                             |!.|',
    '> 22:13:21.500Z 3 bytes',
    '> 00000012  c3 a9 0a                                          |...|',
    '< 22:13:21.500Z 3 bytes',
    '< 00000012  c3 a9 0a                                          |...|',
    '',
  ])
})

describe('connect cannot', () => {
  test('where nothing listens', async () => {
    const { port } = await (async () => {
      await using server = await listen(echo)
      return server
    })()
    await expect(pipe(testContext(), port)).rejects.toMatchObject({ code: 'ECONNREFUSED', exit: ExitCode.unavailable })
  })

  test('in time: the deadline covers everything', async () => {
    await using server = await listen(echo)
    const io = testContext()
    const ended = pipe(io, server.port, { timeout: 3000 })
    const failed = expect(ended).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await new Promise((resolve) => process.nextTick(resolve))
    io.clock.advance(3000)
    await failed
    expect(io.clock.pending).toBe(0)
  })

  test('a name that nobody has', async () => {
    const host = { host: 'no-such-host.invalid' }
    await expect(pipe(testContext(), 9007, { host })).rejects.toThrow(NetworkError)
  })

  test('once it was told to stop', async () => {
    await using server = await listen(echo)
    const io = testContext()
    io.abort('SIGINT')
    await expect(pipe(io, server.port)).rejects.toBe('SIGINT')
  })

  test('with two different ports', async () => {
    await expect(pipe(testContext(), 1, { host: { host: 'h', port: 2 } })).rejects.toThrow(UsageError)
  })
})

test('host and port may come as one, and a name with the address that answered', async () => {
  await using server = await listen(echo)
  const io = testContext()
  io.stdin.end()
  const host = connect.options.host.kind.parse(`localhost:${server.port}`)
  expect(await pipe(io, server.port, { host })).toBe(ExitCode.ok)
  expect(io.stderr.text).toMatch(`connected to localhost:${server.port} (127.0.0.1)`)
})

function* endless(block: Buffer): Generator<Buffer> {
  for (;;) yield block
}

interface Person extends TestContext {
  readonly keyboard: FakeKeyboard
  readonly screen: FakeScreen
  readonly ended: Promise<ExitCode>
}

/** A person at a terminal, connected to `port`. Statuses go to a stderr that is a terminal unless told otherwise. */
function sitDown(port: number, values: Partial<Values> = {}, stderrIsTTY = true): Person {
  const keyboard = new FakeKeyboard()
  const screen = new FakeScreen(100)
  const test = testContext({ stdin: keyboard, stdout: screen, stderrIsTTY })
  return { ...test, keyboard, screen, ended: connect.run({ ...connectValues, port, ...values }, test.context) }
}

describe('connect on a terminal', () => {
  test('talks line by line, with running totals above the prompt', async () => {
    await using server = await listen(echo)
    const { keyboard, screen, stderr, ended } = sitDown(server.port)
    await screen.until('sent 0 bytes, received 0 bytes', '>')
    keyboard.write('hello\r')
    await screen.until('> hello', 'hello', 'sent 6 bytes, received 6 bytes', '>')
    keyboard.write('\x04')
    expect(await ended).toBe(ExitCode.ok)
    expect(screen.text).toEqual(['> hello', 'hello', ''])
    expect(stderr.text.split('\n')).toEqual([
      `connected to 127.0.0.1:${server.port}; Ctrl-D ends`,
      'disconnected after 0 ms, sent 6 bytes, received 6 bytes: this side ended it, and the server too',
      '',
    ])
    expect(keyboard.isRaw).toBe(false)
  })

  test('incoming text does not cut the line being typed, and cannot steer the terminal', async () => {
    const arrived = Promise.withResolvers<Socket>()
    await using server = await listen((socket) => arrived.resolve(socket.on('error', () => undefined)))
    const { keyboard, screen, ended } = sitDown(server.port, { quiet: true })
    const peer = await arrived.promise
    keyboard.write('half a li')
    await screen.until('> half a li')
    peer.write('alice: hi\r\nbob: \x1b[2J\x07\u202e\n')
    await screen.until('alice: hi', 'bob: \\x1b[2J\\x07\\u202e', '> half a li')
    peer.end()
    expect(await ended).toBe(ExitCode.ok)
  })

  test('a question without a newline stands above the prompt and stays with its answer', async () => {
    await using server = await listen((socket) => {
      socket.on('error', () => undefined).write('Your name: ')
      socket.once('data', (name) => socket.write(`Hello ${name}`))
    })
    const { keyboard, screen, ended } = sitDown(server.port, { quiet: true })
    await screen.until('Your name:', '>')
    keyboard.write('Ada\r')
    await screen.until('Your name:', '> Ada', 'Hello Ada', '>')
    keyboard.write('\x03')
    expect(await ended).toBe(ExitCode.interrupted)
  })

  test('who types before the server has asked for a login is asked all the same', async () => {
    await using server = await listen((socket) => {
      socket
        .on('error', () => undefined)
        .once('data', (first) => {
          const text = 'netlab auth. "exit" leaves.\nName: '
          socket.write(first[0] === 0 ? encodeFrame('{"type":"hello","service":"auth"}') : text)
        })
    })
    const { keyboard, screen, ended } = sitDown(server.port, {}, false)
    keyboard.write('Ada\r')
    // Questions need a terminal for what is said about the connection, too.
    await expect(ended).rejects.toThrow('the server asks for a name')
    expect(screen.text).toEqual(['> Ada', 'the server asks for a login first: what you typed is dropped', ''])
  })

  test('off a terminal, stderr gets a line for each portion', async () => {
    await using server = await listen(echo)
    const { keyboard, screen, stderr, ended } = sitDown(server.port, {}, false)
    keyboard.write('hi\r')
    await screen.until('> hi', 'hi', '>')
    keyboard.write('\x04')
    await ended
    expect(stderr.text.split('\n').slice(1, 3)).toEqual(['sent 3 bytes', 'received 3 bytes'])
  })

  test('follows a server that speaks first in frames', async () => {
    const heard: string[] = []
    await using server = await listen((socket) => {
      const decoder = new FrameDecoder()
      socket.on('error', () => undefined).write(encodeFrame('welcome'))
      socket.on('data', (chunk) => {
        for (const frame of decoder.push(chunk)) heard.push(String(frame))
        if (heard.length === 2) socket.end(encodeFrame('two\nrows'))
      })
    })
    const { keyboard, screen, ended } = sitDown(server.port, { quiet: true })
    await screen.until('welcome', '>')
    keyboard.write('one\rtwo\r')
    expect(await ended).toBe(ExitCode.ok)
    expect(heard).toEqual(['one', 'two'])
    expect(screen.text.slice(-3)).toEqual(['two', 'rows', ''])
  })

  test('--hex prints both directions above the prompt', async () => {
    await using server = await listen(echo)
    const { keyboard, screen, ended } = sitDown(server.port, { quiet: true, hex: true })
    keyboard.write('hi\r')
    const dump = '00000000  68 69 0a                                          |hi.|'
    const time = '22:13:20.000Z 3 bytes'
    await screen.until('> hi', `> ${time}`, `> ${dump}`, `< ${time}`, `< ${dump}`, '>')
    keyboard.write('\x04')
    expect(await ended).toBe(ExitCode.ok)
  })

  test('Ctrl-C leaves at once with 130', async () => {
    await using server = await listen(echo)
    const { keyboard, stderr, ended } = sitDown(server.port)
    await stderr.waitFor('connected')
    keyboard.write('half\x03')
    expect(await ended).toBe(ExitCode.interrupted)
    expect(stderr.text).toMatch(/: left with Ctrl-C\n$/)
    expect(keyboard.isRaw).toBe(false)
  })

  test('after Ctrl-D a silent server is waited for, and that is said', async () => {
    const ending = Promise.withResolvers<Socket>()
    await using server = await listen((socket) => void socket.resume().once('end', () => ending.resolve(socket)))
    const { keyboard, screen, clock, ended } = sitDown(server.port, { quiet: true })
    keyboard.write('\x04')
    const peer = await ending.promise
    clock.advance(1000)
    await screen.until('end of input; waiting for the server to finish (Ctrl-C leaves)')
    peer.end('done\n')
    expect(await ended).toBe(ExitCode.ok)
    expect(screen.text.at(-2)).toBe('done')
  })

  test('a reset is an error, and the terminal is given back', async () => {
    await using server = await listen((socket) => void socket.on('data', () => socket.resetAndDestroy()))
    const { keyboard, ended } = sitDown(server.port)
    keyboard.write('x\r')
    await expect(ended).rejects.toMatchObject({ code: 'ECONNRESET', exit: ExitCode.unavailable })
    expect(keyboard.isRaw).toBe(false)
  })

  test('a signal ends it', async () => {
    await using server = await listen(echo)
    const { keyboard, stderr, abort, ended } = sitDown(server.port)
    await stderr.waitFor('connected')
    abort('SIGTERM')
    await expect(ended).rejects.toBe('SIGTERM')
    expect(keyboard.isRaw).toBe(false)
  })
})
