import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys, Terminal } from '../support/terminal.ts'

const local = ['serve', 'echo', '--host', '127.0.0.1']

function portIn(line: string): number {
  return Number(/:(\d+)/.exec(line.replace(/^\w+: /, ''))?.[1])
}

function logOf(folder: string): { event: string; message: string; [field: string]: unknown }[] {
  const text = readFileSync(join(folder, 'logs', 'netlab.log'), 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

async function occupied() {
  const other = createServer()
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve)
  })
  const address = other.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, close: () => other.close() }
}

describe('netlab serve echo', () => {
  test('one line on stdout, echo, exit, stop, and all seven events in the log', async () => {
    const cwd = temporaryFolder()
    await using netlab = startNetlab([...local, '--port', '0'], { cwd })
    const line = await netlab.line(/listening on/)
    expect(line).toMatch(/^echo: listening on 127\.0\.0\.1:\d+$/)
    const port = portIn(line)
    const first = await TestClient.connect(port)
    expect((await first.write('hello\nexit\n').all()).toString()).toBe('hello\nexit\n')
    first.end()
    const second = await TestClient.connect(port)
    expect((await second.end('stop\n').all()).toString()).toBe('stop\n')
    expect(await netlab.finished()).toEqual({ stdout: `${line}\n`, stderr: '', exitCode: 0, signal: null })
    const log = logOf(cwd)
    const served = (id: number) => log.filter((line) => line.id === id).map(({ event }) => event)
    expect(served(1)).toEqual(['connected', 'received', 'sent', 'disconnected'])
    expect(served(2)).toEqual(['connected', 'received', 'sent', 'disconnected'])
    // Threads hand their lines over in batches: what happens within a few milliseconds may stand in another order.
    const others = log
      .filter((line) => line.id === undefined)
      .sort((a, b) => (String(a.time) < String(b.time) ? -1 : 1))
    expect(others.map(({ event }) => event)).toEqual(['starting', 'listening', 'stop-requested', 'stopped'])
    for (const { message } of log) expect(message).toMatch(/^\w+.* .*\w/)
  })

  test('bug: an operator whose output nobody reads ended the server, with all its clients', async () => {
    const cwd = temporaryFolder()
    await using netlab = startNetlab([...local, '--port', '0'], { cwd })
    const port = portIn(await netlab.line(/listening on/))
    netlab.process.stdout.destroy()
    for (const line of ['status', 'help', 'status']) netlab.type(line)
    const client = await TestClient.connect(port)
    expect((await client.write('hello\n').bytes(6)).toString()).toBe('hello\n')
    netlab.type('stop')
    expect(await netlab.finished()).toMatchObject({ stderr: '', exitCode: 0 })
    expect(logOf(cwd).at(-1)).toMatchObject({ event: 'stopped' })
  })

  test('SIGTERM ends it with 0 after every client has got its last byte', async () => {
    await using netlab = startNetlab([...local, '--port', '0', '--threads', '2', '--log-to', 'none'])
    const client = await TestClient.connect(portIn(await netlab.line(/listening on/)))
    await client.write('hello\n').bytes(6)
    client.socket.on('end', () => client.end())
    const { exitCode, stderr } = await netlab.stop('SIGTERM')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect((await client.all()).toString()).toBe('hello\n')
    expect(client.ended).toBe(true)
  })

  test('an operator at the other end of a pipe: help, status, clients, kick, pause, resume, logs, clear, stop', async () => {
    const cwd = temporaryFolder()
    await using netlab = startNetlab([...local, '--port', '0'], { cwd })
    const port = portIn(await netlab.line(/listening on/))
    const client = await TestClient.connect(port)
    await client.write('hello\n').bytes(6)
    netlab.type('help')
    await netlab.line(/kick ID +end the conversation/)
    netlab.type('status')
    await netlab.line(/clients +1 of at most/)
    netlab.type('clients')
    await netlab.line(/1 +127\.0\.0\.1:\d+ +client-1 +6 B +6 B/)
    netlab.type('pause')
    await netlab.line(/paused: new connections are refused/)
    await expect(TestClient.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await client.write('still\n').bytes(12)
    netlab.type('resume')
    await netlab.line(/listening on 127\.0\.0\.1:\d+ again/)
    netlab.type('kick 1')
    await netlab.line(/client 1 is being disconnected/)
    await client.all()
    client.end()
    netlab.type('kick 77')
    await netlab.line(/there is no client 77/)
    netlab.type('kick')
    await netlab.line(/kick whom\?/)
    netlab.type('kick 3 4')
    await netlab.line(/"4" is one word too many \(type: kick ID\)/)
    netlab.type('kick ivan')
    await netlab.line(/"ivan" is not a whole number/)
    netlab.type('stop now')
    await netlab.line(/"now" is one word too many \(type: stop\)/)
    // Threads hand their lines over in batches, so the newest need not be the last.
    netlab.type('logs 50')
    await netlab.line(/The operator disconnects client 1/)
    netlab.type('clear users Ivan')
    await netlab.line(/^"Ivan" is one word too many \(type: clear logs\|users\)$/)
    netlab.type('clear users')
    await netlab.line(/echo keeps no users/)
    netlab.type('clear logs')
    await netlab.line(/the log is empty/)
    netlab.type('frobnicate')
    await netlab.line(/"frobnicate" is no command/)
    netlab.type('stop')
    const { exitCode, stderr } = await netlab.finished()
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const events = logOf(cwd).map(({ event }) => event)
    expect(events).not.toContain('starting')
    expect(events).toContain('logs-cleared')
    expect(events.at(-1)).toBe('stopped')
  })

  test('logs of one client, with and without its traffic, and as they come until the next command', async () => {
    await using netlab = startNetlab([...local, '--port', '0'])
    const port = portIn(await netlab.line(/listening on/))
    const clients = [await TestClient.connect(port), await TestClient.connect(port)]
    for (const client of clients) await client.write('hello\n').bytes(6)
    netlab.type('logs client 2 sent')
    await netlab.line(/^\d{4}-\d\d-\d\d [\d:.]{12} [+-]\d\d:\d\d info {4}echo\[\d+\]: Sent 6 bytes to client 2$/)
    netlab.type('logs 5 warning')
    await netlab.line(/^no line of the log is like that$/)
    netlab.type('logs chatt')
    await netlab.line(/^logs knows no "chatt"; did you mean chat\? \(a number, -f, echo, .*traffic/)
    const before = netlab.stdout.text.length
    netlab.type('logs -f client 1')
    await netlab.line(/Client 1 connected/)
    for (const client of clients) await client.end().all()
    await netlab.line(/Client 1 from .* disconnected/)
    netlab.type('status')
    await netlab.line(/clients +0 of/)
    const shown = netlab.stdout.text.slice(before)
    expect(shown).not.toMatch(/client 2|Client 2|Received|Sent/)
    await (await TestClient.connect(port)).end().all()
    netlab.type('stop')
    expect((await netlab.finished()).stdout.slice(before)).not.toContain('Client 3')
  })

  test('the end of the pipe does not stop it', async () => {
    await using netlab = startNetlab([...local, '--port', '0'])
    const port = portIn(await netlab.line(/listening on/))
    netlab.process.stdin.end('status\n')
    await netlab.line(/service +echo on/)
    const client = await TestClient.connect(port)
    expect((await client.end('alive\n').all()).toString()).toBe('alive\n')
  })

  test('--log-to console shows the events on stderr and keeps no file', async () => {
    const cwd = temporaryFolder()
    await using netlab = startNetlab([...local, '--port', '0', '--log-to', 'console'], { cwd })
    const client = await TestClient.connect(portIn(await netlab.line(/listening on/)))
    await client.end('stop\n').all()
    const { stderr } = await netlab.finished()
    expect(stderr).toMatch(/Received 5 bytes from client 1/)
    expect(stderr).toMatch(/echo stopped/)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('a taken port: the next one, said on stdout and in the log', async () => {
    const other = await occupied()
    const cwd = temporaryFolder()
    try {
      await using netlab = startNetlab([...local, '--port', String(other.port)], { cwd })
      const line = await netlab.line(/listening on/)
      expect(line).toMatch(new RegExp(`listening on 127\\.0\\.0\\.1:\\d+ \\(port ${other.port} is taken\\)`))
      await netlab.stop()
      expect(logOf(cwd)).toContainEqual(
        expect.objectContaining({ event: 'listening', asked: other.port, port: portIn(line) }),
      )
    } finally {
      other.close()
    }
  })

  test('a taken port and --strict-port: a sentence with the holder and a next step, exit 69', async () => {
    // The program's name, not that of its main thread.
    const holder = process.platform === 'linux' ? `node \\(pid ${process.pid}\\)` : '.*'
    const other = await occupied()
    try {
      const { stdout, stderr, exitCode } = await runNetlab([...local, '--port', String(other.port), '--strict-port'])
      expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 69 })
      expect(stderr).toMatch(
        new RegExp(`^netlab: port ${other.port} on 127\\.0\\.0\\.1 is taken by ${holder}\n.*--strict-port.*\n$`),
      )
    } finally {
      other.close()
    }
  })
})

describe('bad input to serve', () => {
  test.each([
    ['a port above the range', ['--port', '65536'], 64, '--port: 65536 is not between 0 and 65535'],
    ['a port that is none', ['--port', 'ninety'], 64, '--port: "ninety" is not a whole number'],
    ['no threads', ['--threads', '0'], 64, '--threads: 0 is not between 1 and 256'],
    ['an unknown option', ['--thread', '2'], 64, '--threads'],
    [
      'a host that is none',
      ['--host', 'two words'],
      64,
      '--host: "two words" is neither a host name nor an IP address',
    ],
    ['a host that does not resolve', ['--host', 'no-such-host.invalid'], 69, 'no-such-host.invalid does not resolve'],
    ['an address of another machine', ['--host', '192.0.2.1'], 69, '192.0.2.1 is no address of this machine'],
    ['a log file in a file', ['--log-file', 'plain/netlab.log'], 74, 'plain'],
    ['a directory as log file', ['--log-file', 'folder'], 74, 'folder'],
    ['an option of accounts, which echo has not', ['--users', 'folder'], 64, 'has no option --users'],
    ['a certificate that is not there', ['--tls-cert', 'missing.pem'], 74, 'missing.pem'],
    ['a certificate that is none', ['--tls-cert', 'plain'], 74, 'plain holds no certificate'],
    ['a key without a certificate', ['--tls-key', 'plain'], 64, '--tls-key needs --tls-cert'],
  ])('%s', async (_what, args, exit, sentence) => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'plain'), 'not a folder')
    mkdirSync(join(cwd, 'folder'))
    const { stdout, stderr, exitCode } = await runNetlab(['serve', 'echo', ...args], { cwd, env: { NETLAB_PORT: '0' } })
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: exit })
    expect(stderr).toContain(sentence)
    expect(stderr).not.toMatch(/ {4}at /)
  })
})

describe('on a terminal', () => {
  test('asks for address and port, asks again on nonsense, and takes commands at a prompt', async () => {
    const terminal = new Terminal(['serve', 'echo'])
    await terminal.see('Address to listen on')
    terminal.press('127.0.0.1', keys.enter)
    await terminal.see('Port')
    terminal.press('99999', keys.enter)
    await terminal.see('99999 is not between 0 and 65535')
    terminal.press(...Array<string>(5).fill(keys.backspace), '0', keys.enter)
    await terminal.see('listening on 127.0.0.1:')
    await terminal.see('echo>')
    terminal.press('sta\t', keys.enter)
    await terminal.see('0 of at most')
    terminal.press('stop', keys.enter)
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
  })

  test('bug: Ctrl-D took the prompt away without a word; now it says that the server goes on, and stays', async () => {
    const terminal = new Terminal([...local, '--port', '0'])
    await terminal.see('echo>')
    terminal.press(keys.ctrlD)
    await terminal.see('the server goes on; "stop" ends it, and so does Ctrl-C')
    terminal.press(keys.ctrlD, 'status', keys.enter)
    await terminal.see('0 of at most')
    terminal.press('logs -f', keys.enter)
    await terminal.see('echo listens on')
    terminal.press(keys.ctrlC)
    terminal.press('logs 1 starting', keys.enter)
    await terminal.see(/netlab \S+ starts echo/)
    terminal.press('stop', keys.enter)
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
  })

  test('auth without TLS tells no other machine to come: their logins would be refused', async () => {
    const terminal = new Terminal(['serve', 'auth', '--host', '0.0.0.0', '--port', '0'])
    await terminal.see('from another machine nobody can log in without TLS')
    await terminal.see('auth>')
    expect(terminal.screen.text).not.toContain('netlab connect')
    terminal.press(keys.ctrlC)
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
  })

  test('Ctrl-C at the prompt stops it with 0', async () => {
    const terminal = new Terminal([...local, '--port', '0'])
    await terminal.see('echo>')
    terminal.press(keys.ctrlC)
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
  })
})
