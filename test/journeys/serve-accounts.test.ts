import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

// Starting a program takes longer when others keep the machine busy; each step has a deadline of its own.

const serve = (service: string) => ['serve', service, '--host', '127.0.0.1', '--port', '0']

async function portOf(netlab: ReturnType<typeof startNetlab>): Promise<number> {
  return Number(/:(\d+)$/.exec(await netlab.line(/listening on 127\.0\.0\.1:\d+/))?.[1])
}

test('auth: register, log in after a restart, be forgotten by the operator; no secret is on disk', async () => {
  const cwd = temporaryFolder()
  const first = startNetlab(serve('auth'), { cwd })
  const client = await TestClient.connect(await portOf(first))
  client.write('Ada\ncorrect horse\ncorrect horse\n')
  const token = /resume ([\w-]{43})/.exec(await client.until('Commands:'))?.[1] ?? ''
  client.end()
  expect(await first.stop()).toMatchObject({ exitCode: 0, stderr: '' })
  expect(readdirSync(cwd).sort()).toEqual(['logs', 'netlab.db', 'users.json'])

  const second = startNetlab([...serve('auth'), '--log-to', 'both'], { cwd })
  const port = await portOf(second)
  const again = await TestClient.connect(port)
  again.write(`resume ${token}\nlogout\nAda\ncorrect horse\n`)
  const text = await again.until('Welcome back, Ada.\n')
  expect(text).toContain('Your session goes on.')
  const secrets = [
    'correct horse',
    token,
    ...(/resume ([\w-]{43})/.exec(await again.until('Next time'))?.slice(1) ?? []),
  ]
  second.type('clear users')
  await again.until('ended from elsewhere')
  again.destroy()
  const { stdout, stderr, exitCode } = await second.stop()
  expect(exitCode).toBe(0)
  expect(stdout).toContain('one user is forgotten')
  expect(stderr).toContain('goes on with session 1 of Ada')

  const logs = readdirSync(join(cwd, 'logs')).map((file) => join(cwd, 'logs', file))
  const written = [join(cwd, 'netlab.db'), join(cwd, 'users.json'), ...logs].map((file) => readFileSync(file, 'latin1'))
  for (const secret of secrets) for (const one of [...written, stdout, stderr]) expect(one).not.toContain(secret)
})

test('registration: by a code from a file or the environment, or closed; wrong words about it are usage errors', async () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'code'), 'Blue Tiger 42\nnot this\n', { mode: 0o600 })
  writeFileSync(join(cwd, 'short'), 'tiger\n', { mode: 0o600 })
  for (const [words, sentence] of [
    [['--registration', 'maybe'], '"maybe"'],
    [['--registration', 'code'], '--registration code needs a code'],
    [['--registration', 'code', '--registration-code-file', 'short'], 'it needs 8 characters'],
    [['--registration-code-file', 'code'], 'a registration code is only asked for with --registration code'],
    [['--throttle-exempt', '10.0.0.0/33'], '"10.0.0.0/33" is no network'],
  ] as const) {
    const wrong = await runNetlab([...serve('auth'), ...words], { cwd })
    expect(wrong).toMatchObject({ exitCode: 64, stdout: '' })
    expect(wrong.stderr).toContain(sentence)
  }
  writeFileSync(join(cwd, 'password'), 'correct horse\n', { mode: 0o600 })
  const env = { XDG_STATE_HOME: join(cwd, 'state') }
  const connect = (port: number, user: string, words: readonly string[], extra: Record<string, string> = {}) =>
    runNetlab(['connect', `127.0.0.1:${port}`, '--user', user, '--password-file', 'password', '--register', ...words], {
      cwd,
      env: { ...env, ...extra },
    })
  const gated = startNetlab([...serve('auth'), '--registration', 'code', '--registration-code-file', 'code'], { cwd })
  const port = await portOf(gated)
  const stranger = await connect(port, 'Eve', [])
  expect(stranger).toMatchObject({ exitCode: 1, stdout: '' })
  expect(stranger.stderr).toContain('Registering here needs a code; ask whoever runs this server for it')
  const byFile = await connect(port, 'Ada', ['--registration-code-file', 'code'])
  expect(byFile).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('You are registered. Welcome, Ada.') })
  const byEnvironment = await connect(port, 'Bob', [], { NETLAB_REGISTRATION_CODE: 'blue tiger42' })
  expect(byEnvironment).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('You are registered. Welcome, Bob.'),
  })
  const { stdout, stderr } = await gated.stop()
  const logs = readdirSync(join(cwd, 'logs')).map((file) => readFileSync(join(cwd, 'logs', file), 'utf8'))
  for (const text of [stdout, stderr, ...logs]) expect(text.toLowerCase()).not.toContain('tiger')

  const closed = startNetlab([...serve('auth'), '--registration', 'closed'], { cwd })
  const refused = await connect(await portOf(closed), 'Eve', [])
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
  expect(refused.stderr).toContain('Nobody can register here; ask the operator for an account')
  expect((await closed.stop()).exitCode).toBe(0)
})

test('a users file that can not be used stops the start with a sentence, and is left as it is', async () => {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'users.json'), '{"version": 1,\n "hosts": [')
  const damaged = await runNetlab(serve('ident'), { cwd })
  expect(damaged).toMatchObject({ exitCode: 74, stdout: '' })
  expect(damaged.stderr).toContain('users.json is damaged at line 2, column 12: this is not JSON')
  expect(readFileSync(join(cwd, 'users.json'), 'utf8')).toBe('{"version": 1,\n "hosts": [')

  mkdirSync(join(cwd, 'folder'))
  const folder = await runNetlab([...serve('ident'), '--users', 'folder'], { cwd })
  expect(folder).toMatchObject({ exitCode: 74, stdout: '' })
  expect(folder.stderr).toContain("folder can't be used: it is a directory")

  rmSync(join(cwd, 'users.json'))
  mkdirSync(join(cwd, 'users.json'))
  const echo = startNetlab(serve('echo'), { cwd })
  await portOf(echo)
  expect((await echo.stop()).exitCode).toBe(0)
})

test('a second server on the same file is refused; a killed one leaves the file free', async () => {
  const cwd = temporaryFolder()
  const first = startNetlab(serve('ident'), { cwd })
  await portOf(first)
  const second = await runNetlab(serve('ident'), { cwd })
  expect(second).toMatchObject({ exitCode: 74, stdout: '' })
  expect(second.stderr).toContain(`users.json is in use by another server (process ${first.process.pid})`)
  await first.stop('SIGKILL')
  expect(existsSync(join(cwd, 'users.json.lock'))).toBe(true)
  const third = startNetlab(serve('ident'), { cwd })
  await portOf(third)
  expect((await third.stop()).exitCode).toBe(0)
})
