import type { Socket } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import { connect } from '../../src/commands/connect/index.ts'
import { encodeFrame, FrameDecoder } from '../../src/net/frame-codec.ts'
import { type TestContext, testContext } from '../support/command-context.ts'
import { FakeKeyboard, FakeScreen } from '../support/fake-terminal.ts'
import { listen } from '../support/sockets.ts'
import { connectValues } from './connect-values.ts'

type Values = Parameters<typeof connect.run>[0]

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

const echo = (socket: Socket): void => void socket.on('error', () => undefined).pipe(socket)

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
      'disconnected after 0 ms, sent 6 bytes, received 6 bytes: the server closed the connection',
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
