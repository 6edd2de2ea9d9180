import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { type RunningNetlab, runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys, Terminal } from '../support/terminal.ts'

// Starting a program takes longer when others keep the machine busy; each step has a deadline of its own.

const password = 'correct horse'

/** A chat on loopback; on any free port, or on the one it had before. */
async function serveChat(cwd: string, port = '0'): Promise<{ netlab: RunningNetlab; port: string }> {
  const netlab = startNetlab(['serve', 'chat', '--host', '127.0.0.1', '--port', port, '--strict-port'], { cwd })
  const line = await netlab.line(/listening on 127\.0\.0\.1:\d+/)
  return { netlab, port: line.slice(line.lastIndexOf(':') + 1) }
}

async function register(port: string, name: string): Promise<void> {
  const client = await TestClient.connect(Number(port))
  await client.write(`${name}\n${password}\n${password}\n`).until('you are in #lobby')
  client.end()
}

/** What was said, without the times; comings and goings have none. */
function spoken(stdout: string): string[] {
  return stdout.split('\n').flatMap((line) => /^\d\d:\d\d (.*)$/.exec(line)?.slice(1) ?? [])
}

test('from pipes, every line is said and every answer shown before it ends', async () => {
  const cwd = temporaryFolder()
  const { port } = await serveChat(cwd)
  await register(port, 'Ada')
  const env = { XDG_STATE_HOME: join(cwd, 'state'), NETLAB_PASSWORD: password }
  const stdin = 'hello\n\x1b[2Jsneaky\n/me waves\n/nonsense\n'
  const first = await runNetlab(['connect', '127.0.0.1', port, '--user', 'Ada'], { env, stdin })
  const own = ['Ada: hello', 'Ada: ␛[2Jsneaky', '* Ada waves']
  expect(spoken(first.stdout)).toEqual(own)
  expect(first.stdout).toContain('! there is no such command; /help lists them\n')
  expect(first.exitCode).toBe(0)

  const many = Array.from({ length: 24 }, (_, number) => `line ${number}`)
  const second = await runNetlab(['connect', '127.0.0.1', port, '--user', 'Ada'], {
    env: { XDG_STATE_HOME: env.XDG_STATE_HOME },
    stdin: `/history 2\n${many.join('\n')}\n`,
  })
  const isNew = (line: string): boolean => line.startsWith('Ada: line')
  const shown = spoken(second.stdout)
  expect(shown.filter(isNew)).toEqual(many.map((line) => `Ada: ${line}`))
  // What is shown on entering, and then what was asked for, when the disk has answered.
  expect(shown.filter((line) => !isNew(line))).toEqual([...own, ...own.slice(1)])
  expect(second.exitCode).toBe(0)
})

test('a person chats, comes back by itself after the server was away, and hears what was missed', async () => {
  const cwd = temporaryFolder()
  const first = await serveChat(cwd)
  const { port } = first
  await register(port, 'Ada')
  await register(port, 'Bob')
  const env = { XDG_STATE_HOME: join(cwd, 'state'), NETLAB_PASSWORD: password }
  const ada = new Terminal(['connect', '127.0.0.1', port, '--user', 'ada'], { env })
  await ada.see('Welcome back, Ada.')
  await ada.see('you are in #lobby')
  ada.press('hello there', keys.enter)
  await ada.see(/\d\d:\d\d Ada: hello there/)
  const bob = ['connect', '127.0.0.1', port, '--user', 'Bob', '--no-session']
  await runNetlab(bob, { env, stdin: 'hi ADA!\n' })
  await ada.see('Bob: hi ADA!')
  ada.press('/passwd', keys.enter)
  for (const [question, typed] of [
    ['Old password', password],
    ['New password', 'better horse'],
    ['New password again', 'better horse'],
  ] as const) {
    await ada.see(question)
    ada.press(typed, keys.enter)
  }
  await ada.see('The password is changed; one other session ended.')

  ada.press('half a li')
  await ada.see('half a li')
  await first.netlab.stop('SIGKILL')
  await ada.see('trying again in')
  ada.press('ne kept', keys.enter)
  const second = await serveChat(cwd, port)
  await runNetlab(bob, { env, stdin: 'while you were away\n' })
  await ada.see(/Ada: half a line kept/)
  ada.press('/quit', keys.enter)
  expect(await ada.finished()).toEqual({ exitCode: 0, signal: 0 })
  expect(ada.screen.text).toContain('Bob: while you were away')
  expect(ada.screen.text).not.toMatch(/correct horse|better horse/)
  // What the first one had not yet written when it was killed is lost; the second one is heard to the end.
  await second.netlab.stop()
  const log = readFileSync(join(cwd, 'logs', 'netlab.log'), 'utf8')
  expect(log).toContain('session-resumed')
  expect(log).not.toMatch(/correct horse|better horse/)
})

test('who is connected sees all that is said after an older database was put back, and after it was deleted', async () => {
  const cwd = temporaryFolder()
  const files = ['netlab.db', 'netlab.db-wal'].map((name) => join(cwd, name))
  const first = await serveChat(cwd)
  const { port } = first
  const names = ['Ada', 'Bob']
  for (const name of names) await register(port, name)
  const terminals = names.map(
    (name) =>
      new Terminal(['connect', '127.0.0.1', port, '--user', name], {
        env: { XDG_STATE_HOME: join(cwd, name), NETLAB_PASSWORD: password },
      }),
  )
  const everybodySees = (text: string | RegExp) => Promise.all(terminals.map((terminal) => terminal.see(text)))
  const everybodySays = async (what: string): Promise<void> => {
    for (const [index, terminal] of terminals.entries()) {
      terminal.press(`${what} ${names[index]}`, keys.enter)
      await everybodySees(new RegExp(`\\d\\d:\\d\\d ${names[index]}: ${what} ${names[index]}`))
    }
  }
  await everybodySees('you are in #lobby')
  await everybodySays('one')
  await first.netlab.stop()
  await everybodySees('trying again in')
  const copies = files.filter(existsSync).map((file) => ({ file, bytes: readFileSync(file) }))

  const second = await serveChat(cwd, port)
  await everybodySays('two')
  await everybodySays('three')
  await second.netlab.stop()
  for (const file of files) rmSync(file, { force: true })
  for (const { file, bytes } of copies) writeFileSync(file, bytes, { mode: 0o600 })

  const third = await serveChat(cwd, port)
  await everybodySays('four')
  await third.netlab.stop()
  for (const file of files) rmSync(file, { force: true })

  const fourth = await serveChat(cwd, port)
  await everybodySays('five')
  for (const terminal of terminals) {
    terminal.press('/quit', keys.enter)
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
    expect(terminal.screen.text).toContain('the server has another history of #lobby than before')
    for (const what of ['one', 'two', 'three', 'four', 'five'])
      expect(terminal.screen.text.match(new RegExp(`\\d\\d:\\d\\d Bob: ${what} Bob`, 'g'))).toHaveLength(1)
  }
  await fourth.netlab.stop()
})
