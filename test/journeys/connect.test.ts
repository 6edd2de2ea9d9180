import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { pipeline } from 'node:stream/promises'
import { describe, expect, test } from '@jest/globals'
import { executable } from '../support/executable.ts'
import { runNetlab } from '../support/run-netlab.ts'
import { shellWith, stopAndGoOn } from '../support/shell.ts'
import { listen } from '../support/sockets.ts'
import { keys, Terminal } from '../support/terminal.ts'

const echo = (socket: Socket): void => void socket.on('error', () => undefined).pipe(socket)

describe('netlab connect in a pipe', () => {
  test('sends, prints what comes back, and keeps its talk on stderr', async () => {
    await using server = await listen(echo)
    const { stdout, stderr, exitCode } = await runNetlab(['connect', '127.0.0.1', '-p', String(server.port)], {
      stdin: 'a\nb\n',
    })
    expect(stdout).toBe('a\nb\n')
    expect(stderr.split('\n')).toEqual([
      `connected to 127.0.0.1:${server.port}`,
      expect.stringMatching(
        /^disconnected after .*, sent 4 bytes, received 4 bytes: this side ended it, and the server too$/,
      ),
      '',
    ])
    expect(exitCode).toBe(0)
  })

  const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
  const ipv6Test = hasIPv6 ? test : test.skip
  ipv6Test('reaches an IPv6 address given with its port', async () => {
    await using server = await listen(echo, '::1')
    const { stdout, stderr, exitCode } = await runNetlab(['connect', `[::1]:${server.port}`], { stdin: 'six' })
    expect(stderr).toMatch(`connected to [::1]:${server.port}\n`)
    expect({ stdout, exitCode }).toEqual({ stdout: 'six', exitCode: 0 })
  })

  test('20 MB come back as they went', async () => {
    await using server = await listen(echo)
    const child = spawn(executable, ['connect', `127.0.0.1:${server.port}`, '-q'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    const block = randomBytes(1_000_000)
    const [sent, received] = [createHash('sha256'), createHash('sha256')]
    let bytes = 0
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      received.update(chunk)
    })
    await pipeline(function* () {
      for (let count = 0; count < 20; count++) {
        sent.update(block)
        yield block
      }
    }, child.stdin)
    expect(await closed).toEqual([0, null])
    expect(bytes).toBe(20_000_000)
    expect(received.digest('hex')).toBe(sent.digest('hex'))
  })

  test('a reader that has enough is a quiet end', async () => {
    await using server = await listen(echo)
    const line = `yes | { "${executable}" connect 127.0.0.1 ${server.port} -q; echo "exit $?" >&2; } | head -n 1`
    const { stdout, stderr } = await runNetlab(['-c', line], { program: '/bin/sh' })
    expect({ stdout, stderr }).toEqual({ stdout: 'y\n', stderr: 'exit 0\n' })
  })

  test('a server that resets is one sentence and a next step, exit 69', async () => {
    await using server = await listen((socket) => {
      socket.on('error', () => undefined).on('data', () => socket.resetAndDestroy())
    })
    const { stdout, stderr, exitCode } = await runNetlab(['connect', `127.0.0.1:${server.port}`, '-q'], { stdin: 'x' })
    expect(stderr).toBe(
      `netlab: the connection to 127.0.0.1:${server.port} was reset by the other side\n` +
        '  the server gave it up without a goodbye; its log may say why\n',
    )
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 69 })
  })

  test.each<[string, string[], RegExp, number]>([
    [
      'nothing listens',
      ['127.0.0.1', '1'],
      /^netlab: connection refused: nothing is listening on 127\.0\.0\.1:1\n {2}\S/,
      69,
    ],
    ['no such name', ['no-such-host.invalid'], /^netlab: .*no-such-host\.invalid.*\n {2}\S/, 69],
    [
      'a port beyond 65535 with its host',
      ['localhost:65536'],
      /^netlab: .*host.*65536 is not between 1 and 65535\n/,
      64,
    ],
  ])('%s is a sentence', async (_, args, sentence, code) => {
    const { stdout, stderr, exitCode } = await runNetlab(['connect', ...args])
    expect(stderr).toMatch(sentence)
    expect(stderr).not.toMatch(/^ +at /m)
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: code })
  })
})

describe('netlab connect on a terminal', () => {
  test('asks for host and port, talks, and ends when the server does', async () => {
    await using server = await listen((socket) => {
      socket.on('data', (data) => (String(data) === 'exit\n' ? socket.end('bye\n') : socket.write(data)))
    })
    const terminal = new Terminal(['connect'])
    await terminal.see('Which host?')
    terminal.press(keys.enter)
    await terminal.see('Which port?')
    terminal.press('nonsense', keys.enter)
    await terminal.see('not a whole number')
    terminal.press(...Array(8).fill(keys.backspace), String(server.port), keys.enter)
    await terminal.see(`connected to 127.0.0.1:${server.port}; Ctrl-D ends`)
    await terminal.see('> ')
    terminal.press('hello', keys.enter)
    await terminal.see('sent 6 bytes, received 6 bytes')
    terminal.press('exit', keys.enter)
    await terminal.see('bye')
    await terminal.see('the server closed the connection')
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
  })

  test('Ctrl-C leaves with 130', async () => {
    await using server = await listen(echo)
    const terminal = new Terminal(['connect', `127.0.0.1:${server.port}`])
    await terminal.see('received 0 bytes')
    terminal.press('half a line', keys.ctrlC)
    await terminal.see('left with Ctrl-C')
    expect(await terminal.finished()).toEqual({ exitCode: 130, signal: 0 })
  })

  test('bug: Ctrl-Z where no shell could stop it took line editing away for good', async () => {
    const peer = Promise.withResolvers<Socket>()
    await using server = await listen((socket) => peer.resolve(socket.on('error', () => undefined)))
    const terminal = new Terminal(['connect', `127.0.0.1:${server.port}`])
    await terminal.see('received 0 bytes')
    terminal.press('half', '\x1a')
    await terminal.see('> half')
    terminal.press(' a line')
    await terminal.see('> half a line')
    const socket = await peer.promise
    socket.write('between\n')
    await terminal.see('between')
    await terminal.see('> half a line')
    terminal.press(keys.ctrlC)
    expect(await terminal.finished()).toEqual({ exitCode: 130, signal: 0 })
  })

  test('bug: Ctrl-Z at a question, and back, ended the program', async () => {
    await using server = await listen(echo)
    const shell = await shellWith('connect 127.0.0.1')
    await shell.see('Which port?')
    await stopAndGoOn(shell)
    await shell.see('connect 127.0.0.1')
    shell.press(String(server.port), keys.enter)
    await shell.see(`connected to 127.0.0.1:${server.port}`)
    // Between the question and the prompt the terminal is nobody's, and a key may be lost.
    await shell.see('> ')
    shell.press(keys.ctrlD)
    await shell.see('shell$ ')
    shell.press('exit', keys.enter)
    expect(await shell.finished()).toEqual({ exitCode: 0, signal: 0 })
  })

  test('bug: a phrase typed after Ctrl-Z where no shell could stop the program was seen', async () => {
    const terminal = new Terminal(['chat-udp', '127.0.0.1', '--port', '1', '--name', 'ada', '--room-key'])
    await terminal.see('Room key')
    // Until the next key has been taken the terminal may still be the shell's, which shows what is typed.
    terminal.press('\x1ax')
    await terminal.see('*')
    terminal.press('y')
    await terminal.see('**')
    terminal.press('a phrase of many words', keys.backspace)
    await terminal.see('*'.repeat('xya phrase of many word'.length))
    terminal.press(keys.ctrlC)
    expect(await terminal.finished()).toEqual({ exitCode: 130, signal: 0 })
    expect(terminal.screen.text).not.toContain('phrase of')
  })

  test('is stopped with Ctrl-Z and goes on where it was', async () => {
    await using server = await listen(echo)
    const shell = await shellWith(`connect 127.0.0.1:${server.port}`)
    await shell.see('received 0 bytes')
    shell.press('typed')
    await shell.see('> typed')
    await stopAndGoOn(shell)
    await shell.see('> typed')
    shell.press(' on', keys.enter)
    await shell.see('sent 9 bytes, received 9 bytes')
    shell.press(keys.ctrlD)
    await shell.see('this side ended it')
    await shell.see('shell$ ')
    shell.press('exit', keys.enter)
    expect(await shell.finished()).toEqual({ exitCode: 0, signal: 0 })
  })
})
