import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { type RunningNetlab, runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys, Terminal } from '../support/terminal.ts'

const together = ['ident', 'auth', 'chat']
const ports = together.flatMap((name) => [`--${name}-port`, '0'])
const words = ['serve', ...together, '--host', '127.0.0.1', ...ports]

async function portsOf(netlab: RunningNetlab): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const name of together) {
    const line = await netlab.line(new RegExp(`^${name}: listening on 127\\.0\\.0\\.1:\\d+`))
    found[name] = Number(/:(\d+)$/.exec(line)?.[1])
  }
  return found
}

test('ident, auth and chat in one process have the same accounts, one console and one log in which client 1 of each can be told apart', async () => {
  const cwd = temporaryFolder()
  await using netlab = startNetlab(words, { cwd })
  const port = await portsOf(netlab)
  const host = await TestClient.connect(port.ident ?? 0)
  host.write('box\n')
  await host.until('box')
  const ada = await TestClient.connect(port.auth ?? 0)
  ada.write('Ada\ncorrect horse\ncorrect horse\n')
  const token = /resume ([\w-]{43})/.exec(await ada.until('Commands:'))?.[1] ?? ''
  const chatting = await TestClient.connect(port.chat ?? 0)
  chatting.write(`resume ${token}\nhello from the session of auth\n`)
  await chatting.until('hello from the session of auth')

  netlab.type('users')
  await netlab.line(/Ada .*127\.0\.0\.1/)
  netlab.type('who')
  await netlab.line(/Ada/)
  netlab.type('status')
  for (const name of together) await netlab.line(new RegExp(`service +${name} on 127`))
  netlab.type('kick #1')
  await netlab.line(/each service numbers its clients by itself.*type: ident kick #1, or auth kick #1, or chat kick #1/)
  netlab.type('logs chat client 1 connected')
  await netlab.line(/ chat\[\d+\]: Client 1 connected/)
  netlab.type('ident kick #1')
  await netlab.line(/client 1 is being disconnected/)
  await host.all()
  // Her one session ends at both services, wherever the operator says it.
  netlab.type('forget Ada')
  await netlab.line(/Ada is forgotten; one session ended/)
  await ada.until('ended from elsewhere')
  await chatting.all()
  ada.destroy()
  netlab.type('stop')
  expect(await netlab.finished()).toMatchObject({ exitCode: 0, stderr: '' })
  const log = readFileSync(join(cwd, 'logs', 'netlab.log'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const connected = log.filter(({ event, id }) => event === 'connected' && id === 1).map(({ service }) => service)
  expect(connected.sort()).toEqual([...together].sort())
  const stopped = log.filter(({ event }) => event === 'stopped').map(({ service }) => service)
  expect(stopped.sort()).toEqual([...together].sort())
  expect(new Set(log.map(({ pid }) => pid))).toEqual(new Set([netlab.process.pid]))
})

test('one that is stopped by a client ends all, and what was kept is there at the next start, of one service alone, too', async () => {
  const cwd = temporaryFolder()
  await using netlab = startNetlab(words, { cwd })
  const port = await portsOf(netlab)
  const ada = await TestClient.connect(port.auth ?? 0)
  ada.write('Ada\ncorrect horse\ncorrect horse\n')
  await ada.until('Commands:')
  ada.destroy()
  const named = await runNetlab(['control', 'rename', 'Ada', 'Ada Lovelace'], { cwd })
  expect(named).toMatchObject({ exitCode: 0, stdout: 'Ada is called Ada Lovelace now\n' })
  expect((await runNetlab(['control', 'rename', 'Ada Lovelace', 'Ada'], { cwd })).exitCode).toBe(0)
  expect(await runNetlab(['control', 'clear', 'users'], { cwd })).toMatchObject({
    exitCode: 64,
    stderr: expect.stringContaining('--yes'),
  })
  expect(await runNetlab(['control', 'chat', 'stop'], { cwd })).toMatchObject({ exitCode: 0, stdout: 'stopping\n' })
  expect(await netlab.finished()).toMatchObject({ exitCode: 0 })
  await using alone = startNetlab(['serve', 'chat', '--host', '127.0.0.1', '--port', '0'], { cwd })
  const again = await TestClient.connect(Number(/:(\d+)$/.exec(await alone.line(/listening on/))?.[1]))
  again.write('Ada\ncorrect horse\n')
  await again.until('Welcome back')
  again.destroy()
  // Refused with what to type instead.
  const second = await runNetlab(['serve', 'auth', '--host', '127.0.0.1', '--port', '0'], { cwd })
  expect(second).toMatchObject({ exitCode: 74, stdout: '' })
  expect(second.stderr).toMatch(
    /users\.json is in use by another server \(process \d+\)\n.*start them as one: netlab serve auth chat\./,
  )
  await alone.stop()
})

test('on a terminal asks for each port, and answers to the name of a service', async () => {
  const terminal = new Terminal(['serve', 'auth', 'echo', '--host', '127.0.0.1'])
  await terminal.see('Port of echo')
  terminal.press('\b\b\b\b0', keys.enter)
  await terminal.see('Port of auth')
  terminal.press('\b\b\b\b0', keys.enter)
  await terminal.see('echo+auth>')
  terminal.press('echo status', keys.enter)
  await terminal.see('service  echo on')
  terminal.press(keys.ctrlC)
  expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
})

test.each([
  [['serve', 'auth', 'auth'], 'auth is named twice'],
  [['serve', 'auth', 'caht'], 'netlab serve knows no "caht"; did you mean chat?'],
  [['serve', 'auth', 'chat-udp'], 'a process of its own, which may run beside: netlab chat-udp --serve'],
  [['serve', 'auth', 'chat', '--port', '1'], 'netlab serve auth chat has no option --port'],
])('%j is refused: %s', async (args, sentence) => {
  expect(await runNetlab(args)).toMatchObject({ exitCode: 64, stdout: '', stderr: expect.stringContaining(sentence) })
})

test('a port that one of them cannot have ends them all, with 69, and leaves nothing behind', async () => {
  const cwd = temporaryFolder()
  const failed = await runNetlab(['serve', 'ident', 'auth', '--host', '192.0.2.1', '--strict-port'], { cwd })
  expect(failed).toMatchObject({ exitCode: 69, stdout: '' })
  await using next = startNetlab(words, { cwd })
  await portsOf(next)
  expect((await next.stop()).exitCode).toBe(0)
})
