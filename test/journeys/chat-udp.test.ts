import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type RunningNetlab, runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys, onlyLines, Terminal } from '../support/terminal.ts'

// Only a machine that does much else needs so long.

const time = /^\d\d:\d\d:\d\d /gm
const plainWarning = 'Plain UDP is not confidential: anybody on the way can read and change what is said here'

/** Starts a relay on loopback and tells its port. */
async function startRelay(args: readonly string[] = [], env: Record<string, string> = {}, cwd = temporaryFolder()) {
  const place = ['--host', '127.0.0.1', '--port', '0', '--no-discovery', '--log-to', 'file']
  const relay: RunningNetlab = startNetlab(['chat-udp', '--serve', ...place, ...args], { env, cwd })
  const line = await relay.line(/chat-udp: listening on 127\.0\.0\.1:\d+/)
  return { relay, port: line.slice(line.lastIndexOf(':') + 1), log: join(cwd, 'logs', 'netlab.log') }
}

function says(port: string, name: string, stdin: string, args: readonly string[] = [], env = {}) {
  return runNetlab(['chat-udp', `127.0.0.1:${port}`, '--name', name, ...args], { stdin, env })
}

describe('chat-udp from pipes', () => {
  test('each line is a message; the operator stops the relay', async () => {
    const { relay, port } = await startRelay()
    const ada = await says(port, 'ada', 'hello\n\n/me waves\n//slashed\n/etc/passwd\n/who\n\x1b[2Jwiped \u202e\n')
    const lines = ['ada: hello', '* ada waves', 'ada: /slashed', 'ada: /etc/passwd', 'ada: ␛[2Jwiped ']
    const shown = ada.stdout.replace(time, '').split('\n')
    expect(shown.filter((line) => line !== '1 here: ada')).toEqual([...lines, ''])
    expect(shown).toContain('1 here: ada')
    expect(ada.stderr).toContain(
      `${plainWarning} (--room-key encrypts).\nyou are in #lobby as ada; nobody else is here\n`,
    )
    expect(ada.exitCode).toBe(0)

    relay.type('members')
    await relay.line(/nobody is in the room/)
    relay.type('kick ada')
    await relay.line(/nobody here is called ada/)
    relay.type('stop')
    const end = await relay.finished()
    expect({ exitCode: end.exitCode, stderr: end.stderr }).toEqual({
      exitCode: 0,
      stderr: `${plainWarning} (--room-key encrypts).\n`,
    })
  })

  test('an operator at the other end of a pipe: help, status, members, kick, say, logs, clear, and its end', async () => {
    const { relay, port } = await startRelay(['--room', 'den'])
    const ada = startNetlab(['chat-udp', '127.0.0.1', port, '--name', 'ada'])
    await ada.stderr.waitFor('you are in #den as ada')
    const answers: readonly (readonly [line: string, answer: RegExp])[] = [
      ['help', /^say TEXT +tell everybody something$/],
      ['STATUS', /^members +1$/],
      ['members', /^1 +ada +127\.0\.0\.1:\d+$/],
      ['kick', /^kick whom\? \(kick NAME; "members" shows the names\)$/],
      ['say', /^say what\? \(say TEXT\)$/],
      ['say dinner  is ready', /^said$/],
      ['logs 50', /ada joined #den/],
      ['logs ten', /^logs knows no "ten" \(a number, -f, /],
      ['logs 5 6', /^"6" is one count too many \(/],
      ['clear', /^clear what\? \(clear logs\)$/],
      ['clear logs Ivan', /^"Ivan" is one word too many \(type: clear logs\)$/],
      ['clear logs', /^the log is empty$/],
      ['statsu', /^"statsu" is no command; did you mean status\? /],
      ['stop now', /^"now" is one word too many \(type: stop\)$/],
      ['kick ada', /^ada was put out of the room$/],
    ]
    for (const [line, answer] of answers) {
      relay.type(line)
      await relay.line(answer)
    }
    const end = await ada.finished()
    expect(end.stdout).toMatch(/-operator- dinner {2}is ready/)
    expect(end.stderr).toMatch(/netlab: the operator put you out of the room\n$/)
    relay.process.stdin.end('status\n')
    await relay.line(/^members +0$/)
    const bob = await says(port, 'bob', 'still here\n')
    expect(bob.stdout).toContain('bob: still here\n')
    expect((await relay.stop('SIGTERM')).exitCode).toBe(0)
  })

  test('a member hears the others until the operator puts it out', async () => {
    const { relay, port } = await startRelay(['--room', 'Den'])
    const ada = startNetlab(['chat-udp', '127.0.0.1', port, '--name', 'ada', '--room', 'den'])
    await ada.stderr.waitFor('you are in #den as ada')
    const long = 'ä'.repeat(2000)
    await says(port, 'bob', `${long}\n`)
    await ada.line(new RegExp(`bob: ${long}`))
    const newcomer = await says(port, 'cleo', '/who\n/quit\nunsaid\n')
    expect(newcomer.stdout).toContain('2 here: ada, cleo\n')
    expect(newcomer.stdout).toContain(`bob: ${long}\n`)
    expect(newcomer.stdout).not.toContain('unsaid')
    relay.type('say dinner is ready')
    await ada.line(/-operator- dinner is ready/)
    const twin = await says(port, 'ADA', 'x\n')
    expect(twin.stderr).toContain('netlab: somebody in the room has that name\n')
    expect(twin.exitCode).toBe(1)
    const elsewhere = await says(port, 'eve', 'x\n', ['--room', 'attic'])
    expect(elsewhere.stderr).toContain('netlab: the relay has another room: #den\n')
    relay.type('kick ada')
    const end = await ada.finished()
    expect(end.stderr).toMatch(/bob joined\n(.*\n)*.*bob left\n(.*\n)*netlab: the operator put you out of the room\n$/)
    expect(end.exitCode).toBe(1)
    await relay.stop('SIGINT')
  })

  test('a bad network loses nothing, and a message too long is refused', async () => {
    const { relay, port } = await startRelay(['--max-rate', '1000'])
    const lines = Array.from({ length: 15 }, (_, index) => `line ${index}`)
    const bad = ['--drop', '15%', '--duplicate', '10%', '--reorder', '10%', '--delay', '1ms', '--seed', '3']
    const ada = await says(port, 'ada', `${lines.join('\n')}\n/stats\n`, bad)
    const said = ada.stdout
      .replace(time, '')
      .split('\n')
      .filter((line) => line.startsWith('ada: '))
    expect(said).toEqual(lines.map((line) => `ada: ${line}`))
    expect(ada.stdout).toMatch(/^lost +\d/m)
    expect(ada.exitCode).toBe(0)
    const long = await says(port, 'bob', `${'x'.repeat(1_000_000)}\n`)
    expect(long.stderr).toContain('not sent: a message has at most 4 KiB\n')
    expect(long.exitCode).toBe(1)
    const { exitCode } = await relay.stop('SIGTERM')
    expect(exitCode).toBe(0)
  })

  test('a room key keeps strangers out, and is written nowhere', async () => {
    const NETLAB_ROOM_KEY = 'correct horse battery'
    const { relay, port, log } = await startRelay(['--room-key'], { NETLAB_ROOM_KEY })
    const [ada, eve, guest] = await Promise.all([
      says(port, 'ada', 'a secret\n', [], { NETLAB_ROOM_KEY }),
      says(port, 'eve', 'x\n', ['--room-key'], { NETLAB_ROOM_KEY: 'wrong horse battery' }),
      says(port, 'guest', 'x\n'),
    ])
    expect(ada.stdout.replace(time, '')).toBe('ada: a secret\n')
    expect(ada.stderr).toContain('Messages are encrypted and authenticated with the room key')
    expect(eve.stderr).toContain('netlab: the room key is wrong\n')
    expect(guest.stderr).toContain('netlab: the room has a key\n')
    expect([ada.exitCode, eve.exitCode, guest.exitCode]).toEqual([0, 1, 1])
    const end = await relay.stop()
    const written = readFileSync(log, 'utf8')
    expect(written).toContain('ada joined #lobby')
    for (const text of [written, end.stdout, end.stderr, ada.stderr, eve.stderr]) {
      expect(text).not.toMatch(/horse|a secret/)
    }
  })

  test.each([
    [['127.0.0.1', '9', '--room', 'a/b'], 64, '--room: "a/b" cannot be a room\'s name'],
    [['127.0.0.1', '9', '--room-key=phrase on argv'], 64, '--room-key: takes no value'],
    [['127.0.0.1', '1', '--name', 'ada'], 69, 'no relay answers at 127.0.0.1 port 1'],
  ])('%j ends with %d', async (args, exitCode, sentence) => {
    const end = await runNetlab(['chat-udp', ...args])
    expect(end.stderr).toContain(`netlab: ${sentence}`)
    expect(end.stderr).not.toContain('phrase on argv')
    expect({ stdout: end.stdout, exitCode: end.exitCode }).toEqual({ stdout: '', exitCode })
  })
})

describe('chat-udp on a terminal', () => {
  test('asks for the name, shows what is said above the line, and leaves', async () => {
    const { relay, port } = await startRelay()
    const ada = new Terminal(['chat-udp', '127.0.0.1', port], { env: { USER: 'ada' } })
    await ada.see('Your name in the room')
    ada.press(keys.enter)
    await ada.see('you are in #lobby as ada')
    ada.press('hello', keys.enter)
    await ada.see(/\d ada: hello/)
    ada.press('/nonsense', keys.enter)
    await ada.see('/nonsense is no command; /help shows what there is')
    ada.press('/stats', keys.enter)
    await ada.see(/RTT +\d/)
    ada.press(keys.ctrlC)
    expect((await ada.finished()).exitCode).toBe(130)
    await relay.stop()
  })

  test('a Ctrl-Z on a dumb terminal went into the room as a message', async () => {
    const { relay, port } = await startRelay()
    const ada = new Terminal(['chat-udp', '127.0.0.1', port], { env: { USER: 'ada', TERM: 'dumb' } })
    await ada.see('Your name in the room [ada]:')
    ada.press(keys.enter)
    await ada.see('you are in #lobby as ada')
    ada.press('\x1a', 'hello', keys.enter)
    await ada.see(/\d ada: hello/)
    ada.press('/who', keys.enter)
    await ada.see('1 here: ada')
    ada.press(keys.ctrlC)
    expect((await ada.finished()).exitCode).toBe(130)
    expect(ada.written).toMatch(onlyLines)
    await relay.stop()
  })
})
