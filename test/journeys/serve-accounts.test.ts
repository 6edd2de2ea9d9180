import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { whileTrue } from '../support/event-loop.ts'
import { projectRoot } from '../support/executable.ts'
import { runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys, Terminal } from '../support/terminal.ts'

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
  second.type('clear users all')
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

/** Git as a stranger has it, without anybody's settings. */
function git(cwd: string, ...words: string[]): string {
  const env = { PATH: process.env.PATH, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1' }
  const who = ['-c', 'user.name=x', '-c', 'user.email=x@example.org']
  return spawnSync('git', [...who, ...words], { cwd, env, encoding: 'utf8' }).stdout ?? ''
}

test('in a checkout of netlab git sees nothing of who is registered, and nobody can commit it by mistake', async () => {
  const cwd = temporaryFolder()
  for (const file of ['users.json', 'package.json', '.gitignore'])
    copyFileSync(join(projectRoot, file), join(cwd, file))
  mkdirSync(join(cwd, 'logs'))
  git(cwd, 'init', '-q')
  git(cwd, 'add', '.')
  git(cwd, 'commit', '-qm', 'x')
  if (git(cwd, 'ls-files').split('\n').length < 3) return

  const server = startNetlab(serve('auth'), { cwd })
  const client = await TestClient.connect(await portOf(server))
  client.write('Ada\ncorrect horse\ncorrect horse\n')
  await client.until('Commands:')
  client.end()
  whileTrue(() => !git(cwd, 'ls-files', '-v', 'users.json').startsWith('S'))
  expect(git(cwd, 'status', '--porcelain')).toBe('')
  server.type('clear users all')
  await server.line(/one user is forgotten/)
  expect(await server.stop()).toMatchObject({ exitCode: 0, stderr: '' })
  expect(readdirSync(cwd)).toContain('users.json.bak')
  expect(git(cwd, 'status', '--porcelain')).toBe('')
  git(cwd, 'add', '-A')
  git(cwd, 'commit', '-qam', 'all')
  expect(git(cwd, 'show', 'HEAD:users.json')).toBe(readFileSync(join(projectRoot, 'users.json'), 'utf8'))
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

/** Registers at nc, and stays. */
async function come(port: number, name: string): Promise<TestClient> {
  const client = await TestClient.connect(port)
  await client.write(`${name}\ncorrect horse\ncorrect horse\n`).until('You are registered.\n')
  return client
}

/** How an operator's commands are given, and their answers seen. */
interface Operated {
  type(line: string): void
  see(answer: RegExp): Promise<string>
}

/** kick, ban, rename, reset, forget and clear, as an operator does them. */
async function operate(port: number, { type, see }: Operated): Promise<void> {
  const [ada, bob, eve] = [await come(port, 'Ada'), await come(port, 'Bob'), await come(port, 'Eve')]
  type('users')
  await see(/NAME +SINCE +LAST LOGIN +SESSIONS +ADDRESS/)
  await see(/Ada +\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d\d:\d\d +\d{4}-.* 1 +127\.0\.0\.1/)
  type('clients')
  await see(/1 +Ada +127\.0\.0\.1:\d+/)
  type('kick 35')
  await see(/nobody here is called 35 \(kick #35 ends the connection of that number\)/)
  type('kick eve')
  await see(/eve is being disconnected/)
  expect(await eve.until('the operator ended this conversation')).toContain('the operator ended this conversation')
  type('kick #2')
  await see(/client 2 is being disconnected/)
  expect(await bob.until('the operator ended this conversation')).toContain('the operator ended this conversation')

  type('rename Ada "Ada Lee"')
  await see(/Ada is called Ada Lee now/)
  expect(await ada.until('You are called Ada Lee now.')).toContain('You are called Ada Lee now.')
  type('reset Ada Lee')
  const password =
    / takes the password (\S+) /.exec(
      await see(/next login of Ada Lee takes the password \S+ and asks for a new one/),
    )?.[1] ?? ''
  expect(await ada.until('Your session was ended from elsewhere.')).toContain('Your session was ended from elsewhere.')
  const again = await TestClient.connect(port)
  again.write(`Ada Lee\n${password}\nbetter horse\nbetter horse\n`)
  expect(await again.until('That password was given for one login: choose a new one.')).toContain(
    'That password was given for one login: choose a new one.',
  )
  expect(await again.until('Welcome back, Ada Lee.')).toContain('Welcome back, Ada Lee.')

  type('ban bob for 2h')
  await see(/Bob is banned until \d{4}-/)
  type('ban address 192.0.2.0/24')
  await see(/192\.0\.2\.0\/24 is banned/)
  const banned = await TestClient.connect(port)
  expect(await banned.write('Bob\ncorrect horse\n').until('You are banned')).toMatch(/from this server until \d{4}-/)
  type('ban Nobody')
  await see(/nobody is called Nobody/)
  type('forget eve')
  await see(/Eve is forgotten/)
  type('users')
  await see(/Bob .*banned/)
  type('clear users Ivan')
  await see(/"clear users" forgets everybody, not only Ivan \(type: forget Ivan\)/)
  for (const client of [ada, bob, eve, again, banned]) client.destroy()
}

test('an operator in a pipe kicks, renames, resets, bans and forgets; bans and the copy of users outlive a restart', async () => {
  const cwd = temporaryFolder()
  const first = startNetlab(serve('auth'), { cwd })
  const port = await portOf(first)
  await operate(port, { type: (line) => first.type(line), see: (answer) => first.line(answer) })
  first.type('clear users')
  await first.line(/every session\. \(add --yes to do it\)/)
  expect((await first.stop()).stderr).toBe('')

  const second = startNetlab(serve('auth'), { cwd })
  const again = await portOf(second)
  second.type('bans')
  await second.line(/Bob +\d{4}-.* \d{4}-/)
  await second.line(/address 192\.0\.2\.0\/24 +\d{4}-.* for good/)
  second.type('ban address 127.0.0.0/8')
  await second.line(/127\.0\.0\.0\/8 is banned/)
  expect(String(await (await TestClient.connect(again)).all())).toBe(
    'netlab: your address is banned from this server\n',
  )
  second.type('unban 127.0.0.0/8')
  await second.line(/127\.0\.0\.0\/8 is no longer banned/)
  second.type('clear users --yes')
  await second.line(/2 users are forgotten/)
  await second.stop()
  expect(readFileSync(join(cwd, 'users.json.bak'), 'utf8')).toContain('"Ada Lee"')
  expect(readFileSync(join(cwd, 'users.json'), 'utf8')).not.toContain('"Ada Lee"')
})

test('an operator on a terminal does the same, and is asked before everybody is forgotten', async () => {
  const cwd = temporaryFolder()
  const terminal = new Terminal(serve('auth'), { cwd, columns: 200 })
  const port = Number(/:(\d+)/.exec(await terminal.see(/listening on 127\.0\.0\.1:\d+/))?.[1])
  await terminal.see('auth>')
  const type = (line: string) => terminal.press(line, keys.enter)
  await operate(port, { type, see: (answer) => terminal.see(answer) })
  type('clear users')
  await terminal.see('This forgets every account, every host and every session.')
  type('no')
  await terminal.see('nothing was done')
  type('users')
  await terminal.see(/Ada Lee +\d/)
  type('clear users')
  await terminal.see('This forgets')
  type('yes')
  await terminal.see('2 users are forgotten')
  type('stop')
  expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
})

test('an operator elsewhere on the machine does the same with netlab control', async () => {
  const cwd = temporaryFolder()
  const server = startNetlab([...serve('auth'), '--no-console'], { cwd })
  const port = await portOf(server)
  const control = async (...words: string[]): Promise<string> => {
    const { stdout, stderr } = await runNetlab(['control', ...words], { cwd })
    return stdout + stderr
  }
  let answered = Promise.resolve('')
  await operate(port, {
    type: (line) => {
      answered = control(...(line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', '')))
    },
    see: async (answer) => {
      expect(await answered).toMatch(answer)
      return answered
    },
  })
  expect(await control('clear', 'users')).toMatch(/every session\..*--yes/s)
  expect(await control('clear', 'users', '--yes')).toMatch(/^2 users are forgotten/)
  await server.stop()
})

test('ident: an operator renames, bans and forgets a host', async () => {
  const netlab = startNetlab(serve('ident'))
  const port = await portOf(netlab)
  const host = await TestClient.connect(port)
  await host.write('Lab\n').until('Nice to meet you, Lab.')
  netlab.type('rename Lab "Lab 7"')
  await netlab.line(/Lab is called Lab 7 now/)
  netlab.type('users')
  await netlab.line(/Lab 7 +\d{4}-.* 127\.0\.0\.1/)
  netlab.type('ban Lab 7 for 1h')
  await netlab.line(/127\.0\.0\.1 is banned until/)
  expect(await host.until('netlab: your address is banned from this server')).toContain(
    'netlab: your address is banned from this server',
  )
  netlab.type('unban Lab 7')
  await netlab.line(/127\.0\.0\.1 is no longer banned/)
  netlab.type('forget 127.0.0.1')
  await netlab.line(/Lab 7, 127\.0\.0\.1, is forgotten/)
  netlab.type('sessions Lab')
  await netlab.line(/"sessions" is no command/)
  host.destroy()
  expect((await netlab.stop()).exitCode).toBe(0)
})
