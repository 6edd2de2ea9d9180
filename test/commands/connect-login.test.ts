import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect as dial, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import { ServerConnection } from '../../src/commands/connect/client.ts'
import { connect } from '../../src/commands/connect/index.ts'
import { LoginClient } from '../../src/commands/connect/login-client.ts'
import { KnownHosts, SessionFile, serverKey } from '../../src/commands/connect/state-files.ts'
import { TrafficStats } from '../../src/commands/connect/traffic.ts'
import { commandLimits } from '../../src/commands/limits.ts'
import { keyFingerprint, selfSignedCertificate } from '../../src/net/certificate.ts'
import { encodeFrame, FrameDecoder } from '../../src/net/frame-codec.ts'
import { FramedSocket } from '../../src/net/framed-socket.ts'
import { startAccountServer } from '../support/account-server.ts'
import { pem } from '../support/certificates.ts'
import { testContext } from '../support/command-context.ts'
import { listen } from '../support/sockets.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { connectValues } from './connect-values.ts'

type Values = Parameters<typeof connect.run>[0]

const password = 'correct horse'

/** Runs connect off a terminal, with `lines` to say, for somebody whose state is kept in `state`. */
function run(port: number, state: string | undefined, values: Partial<Values>, ...lines: string[]) {
  const io = testContext()
  io.stdin.end(lines.map((line) => `${line}\n`).join(''))
  const context = { ...io.context, environment: state === undefined ? {} : { XDG_STATE_HOME: state } }
  return { ...io, ended: connect.run({ ...connectValues, port, ...values }, context) }
}

function sessionsIn(state: string): unknown[] {
  const file = join(state, 'netlab', 'sessions.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).sessions : []
}

describe('connect to serve auth, in a pipe', () => {
  test('logs in, keeps the session for its owner alone, and resumes it without a hash', async () => {
    await using auth = await startAccountServer()
    await auth.register('Ada', password)
    const state = temporaryFolder()
    const first = run(auth.port, state, { user: 'ada', password }, 'whoami', 'nonsense', 'passwd')
    expect(await first.ended).toBe(ExitCode.ok)
    expect(first.stdout.text).toMatch(/^Ada, session \d+ from 127\.0\.0\.1, since [^\n]*\n/)
    expect(first.stderr.text).toContain('Commands: whoami, ')
    expect(first.stderr.text).toContain('passwd asks for passwords, and there is no terminal')
    expect(first.stderr.text).toContain('Welcome back, Ada.\n')
    const file = join(state, 'netlab', 'sessions.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(sessionsIn(state)).toEqual([
      { server: `127.0.0.1:${auth.port}`, user: 'Ada', token: expect.stringMatching(/^[\w-]{43}$/) },
    ])

    const before = auth.hashes()
    const second = run(auth.port, state, {}, 'whoami')
    expect(await second.ended).toBe(ExitCode.ok)
    expect(second.stdout.text).toMatch(/^Ada, session \d+ from/)
    expect(second.stderr.text).toContain('your session goes on as Ada (--user NAME for another).')
    expect(auth.hashes()).toBe(before)
    const { token } = sessionsIn(state)[0] as { token: string }
    for (const { stdout, stderr } of [first, second]) {
      for (const secret of [token, password]) expect(stdout.text + stderr.text).not.toContain(secret)
    }
  })

  test('a logout forgets the session; an ended one is forgotten and replaced by a new login', async () => {
    await using auth = await startAccountServer()
    await auth.register('Ada', password)
    const state = temporaryFolder()
    await run(auth.port, state, { user: 'Ada', password }).ended
    expect(await run(auth.port, state, {}, 'logout').ended).toBe(ExitCode.ok)
    expect(sessionsIn(state)).toEqual([])

    mkdirSync(join(state, 'netlab'), { recursive: true })
    const server = `127.0.0.1:${auth.port}`
    const ended = 'x'.repeat(43)
    const stale = JSON.stringify({ version: 1, sessions: [{ server, user: 'Ada', token: ended }] })
    writeFileSync(join(state, 'netlab', 'sessions.json'), stale)
    await expect(run(auth.port, state, {}).ended).rejects.toMatchObject({
      exit: ExitCode.negative,
      message: expect.stringContaining('That session has ended'),
    })
    expect(sessionsIn(state)).toEqual([])
    writeFileSync(join(state, 'netlab', 'sessions.json'), stale)
    const file = join(state, 'password')
    writeFileSync(file, `${password}\nsecond line\n`)
    expect(await run(auth.port, state, { user: 'Ada', passwordFile: file }, 'whoami').ended).toBe(ExitCode.ok)
    expect(sessionsIn(state)).toEqual([{ server, user: 'Ada', token: expect.not.stringContaining(ended) }])
  })

  test.each([
    ['a byte order mark was taken for a part of the password', `\ufeff${password}\r\n`, 'utf8', ExitCode.ok],
    ['UTF-16 is no password', `\ufeff${password}\r\n`, 'utf16le', ExitCode.io],
  ] as const)('in a file of passwords %s', async (_, text, encoding, exit) => {
    await using auth = await startAccountServer()
    await auth.register('Ada', password)
    const state = temporaryFolder()
    const file = join(state, 'password')
    writeFileSync(file, text, encoding)
    const login = async () => run(auth.port, state, { user: 'Ada', passwordFile: file }, 'whoami').ended
    const ended = await login().catch((error: unknown) => (error as { exit: ExitCode }).exit)
    expect(ended).toBe(exit)
  })

  test('a denial is the server’s sentence and exit 1', async () => {
    await using auth = await startAccountServer()
    const denied = run(auth.port, temporaryFolder(), { user: 'Ada', password: 'wrong horse' }, 'whoami')
    await expect(denied.ended).rejects.toMatchObject({
      exit: ExitCode.negative,
      message: 'No user has this name and this password',
    })
    expect(denied.stdout.text).toBe('')
    expect(denied.stderr.text).toMatch(/: the login was refused\n$/)
  })

  test('--register registers at once, with one hash, where a login would cost two; and logs in from then on', async () => {
    await using auth = await startAccountServer()
    const state = temporaryFolder()
    const before = auth.hashes()
    const first = run(auth.port, state, { user: 'Ada', password, register: true }, 'whoami')
    expect(await first.ended).toBe(ExitCode.ok)
    expect(first.stdout.text).toMatch(/^Ada, session /)
    expect(first.stderr.text).toContain('You are registered. Welcome, Ada.')
    expect(auth.hashes() - before).toBe(1)
    await expect(
      run(auth.port, temporaryFolder(), { user: 'ada', password, register: true }).ended,
    ).rejects.toMatchObject({ exit: ExitCode.negative, message: 'That name is taken' })
    const second = run(auth.port, state, { user: 'Ada' }, 'whoami')
    expect(await second.ended).toBe(ExitCode.ok)
    expect(second.stderr.text).toContain('your session goes on')
  })

  test('--register says the code that it was given; none, a wrong one and a closed server are sentences', async () => {
    await using auth = await startAccountServer({}, undefined, { mode: 'code', code: 'blue tiger' })
    const registering = (values: Partial<Values>, port = auth.port) =>
      run(port, temporaryFolder(), { user: 'Ada', password, register: true, ...values }, 'whoami').ended
    const refused = (message: string) => ({ exit: ExitCode.negative, message })
    await expect(registering({})).rejects.toMatchObject(
      refused('Registering here needs a code; ask whoever runs this server for it'),
    )
    await expect(registering({ registrationCode: 'red lion' })).rejects.toMatchObject(
      refused('That is not the registration code'),
    )
    const file = join(temporaryFolder(), 'code')
    writeFileSync(file, '\n', { mode: 0o600 })
    await expect(registering({ registrationCodeFile: file })).rejects.toMatchObject({ exit: ExitCode.usage })
    writeFileSync(file, 'Blue Tiger\n', { mode: 0o600 })
    expect(await registering({ registrationCodeFile: file })).toBe(ExitCode.ok)
    await using closed = await startAccountServer({}, undefined, { mode: 'closed' })
    await expect(registering({}, closed.port)).rejects.toMatchObject(
      refused('Nobody can register here; ask the operator for an account'),
    )
  })

  test('a hello that came too late was taken for no netlab server: then it is said once more', async () => {
    await using auth = await startAccountServer()
    await auth.register('Ada', password)
    let greeted = 0
    await using slow = await listen((socket) => {
      if (++greeted <= commandLimits.helloRetryCount) socket.write('netlab auth. "exit" leaves.\nName:\n')
      else socket.pipe(dial(auth.port)).pipe(socket)
    })
    const { ended, stdout } = run(slow.port, temporaryFolder(), { user: 'Ada', password }, 'whoami')
    expect(await ended).toBe(ExitCode.ok)
    expect(stdout.text).toMatch(/^Ada, session /)

    greeted = -1
    await expect(run(slow.port, temporaryFolder(), { user: 'Ada', password }).ended).rejects.toMatchObject({
      exit: ExitCode.unavailable,
      message: expect.stringContaining('hears this client too late'),
    })
    expect(greeted).toBe(commandLimits.helloRetryCount)
  })

  test('why a server lets nobody in is said, however its line comes', async () => {
    await using full = await listen((socket) => {
      socket.write('netlab: no more ')
      socket.once('data', () => socket.end('clients\n'))
    })
    const refused = run(full.port, temporaryFolder(), { user: 'Ada', password })
    await expect(refused.ended).rejects.toMatchObject({
      exit: ExitCode.unavailable,
      message: 'the server says: no more clients',
    })
  })

  test('--no-session uses nothing and keeps nothing', async () => {
    await using auth = await startAccountServer()
    await auth.register('Ada', password)
    const state = temporaryFolder()
    await run(auth.port, state, { user: 'Ada', password, session: false }).ended
    expect(sessionsIn(state)).toEqual([])
    await run(auth.port, state, { user: 'Ada', password }).ended
    const lines = run(auth.port, state, { session: false }, 'exit')
    expect(await lines.ended).toBe(ExitCode.ok)
    expect(lines.stdout.text).toContain('netlab auth. "exit" leaves.\n')
  })

  test('without a home it goes on, and says that the session is not kept', async () => {
    await using auth = await startAccountServer()
    await auth.register('Ada', password)
    const homeless = run(auth.port, undefined, { user: 'Ada', password })
    expect(await homeless.ended).toBe(ExitCode.ok)
    expect(homeless.stderr.text).toContain('the session is not kept: HOME is not set')
  })

  test('bug: a login whose session could not be kept ended the conversation', async () => {
    await using auth = await startAccountServer()
    await auth.register('Ada', password)
    const state = temporaryFolder()
    symlinkSync(join(state, 'nowhere', 'at all'), join(state, 'netlab'))
    const unkept = run(auth.port, state, { user: 'Ada', password }, 'whoami')
    expect(await unkept.ended).toBe(ExitCode.ok)
    expect(unkept.stdout.text).toMatch(/^Ada, session/)
    expect(unkept.stderr.text).toMatch(/the session is not kept: cannot write .*sessions\.json/)
  })

  test('what cannot be asked is said by the option that gives it', async () => {
    await using auth = await startAccountServer()
    const rejected = async (values: Partial<Values>) => run(auth.port, temporaryFolder(), values).ended
    await expect(rejected({ user: 'Ada' })).rejects.toMatchObject({
      exit: ExitCode.usage,
      hint: expect.stringContaining('NETLAB_PASSWORD'),
    })
    await expect(rejected({ user: 'Ada', framing: 'text' })).rejects.toMatchObject({ exit: ExitCode.usage })
    await expect(rejected({ user: 'Ada', hex: true })).rejects.toMatchObject({ exit: ExitCode.usage })
    await expect(rejected({ passwordFile: '/nowhere/at/all' })).rejects.toMatchObject({ exit: ExitCode.io })
  })

  test('a session that is ended from elsewhere is forgotten, exit 1', async () => {
    await using auth = await startAccountServer()
    await auth.register('Ada', password)
    const state = temporaryFolder()
    await run(auth.port, state, { user: 'Ada', password }).ended
    const io = testContext()
    const context = { ...io.context, environment: { XDG_STATE_HOME: state } }
    const ended = connect.run({ ...connectValues, port: auth.port }, context)
    io.stdin.write('whoami\n')
    await io.stdout.waitFor('Ada, session')
    await auth.clear()
    await expect(ended).rejects.toMatchObject({ exit: ExitCode.negative, code: 'REVOKED' })
    expect(sessionsIn(state)).toEqual([])
  })

  test('a damaged file is said, and left as it is', async () => {
    const state = temporaryFolder()
    const file = join(state, 'netlab', 'sessions.json')
    mkdirSync(join(state, 'netlab'))
    writeFileSync(file, '{"sessions": [7]}')
    await expect(run(1, state, {}).ended).rejects.toMatchObject({ code: 'DAMAGED', exit: ExitCode.io })
    expect(readFileSync(file, 'utf8')).toBe('{"sessions": [7]}')
  })
})

describe('what connect sends to whom', () => {
  test('through TLS, to a server that takes no passwords in plain text', async () => {
    const certificate = selfSignedCertificate('localhost', Date.now())
    await using auth = await startAccountServer({ certificate, plaintext: 'any' }, '192.0.2.7')
    await auth.register('Ada', password)
    const state = temporaryFolder()
    const plain = run(auth.port, state, { user: 'Ada', password })
    await expect(plain.ended).rejects.toMatchObject({
      exit: ExitCode.negative,
      message: expect.stringContaining('connect with TLS'),
    })
    const secured = run(auth.port, state, { user: 'Ada', password, tls: true, acceptNewKey: true }, 'whoami')
    expect(await secured.ended).toBe(ExitCode.ok)
    expect(secured.stdout.text).toContain('Ada, session')
  })

  test('bug: a kept session and a password went to a server that was met for the first time', async () => {
    await using auth = await startAccountServer({ certificate: { cert: pem.leaf, key: pem.leafKey } })
    await auth.register('Ada', password)
    const state = temporaryFolder()
    await run(auth.port, state, { user: 'Ada', password }).ended
    const heard = () => auth.server.events.filter(({ type }) => type === 'received').length
    const before = heard()
    await expect(run(auth.port, state, { user: 'Ada', password, tls: true }).ended).rejects.toMatchObject({
      code: 'KEY_UNKNOWN',
    })
    expect(heard()).toBe(before)
  })

  const leafKey = keyFingerprint(new X509Certificate(pem.leaf))
  const otherKey = keyFingerprint(new X509Certificate(pem.rsa))
  const withTls = { tls: true }
  test.each([
    ['opened without TLS, to the same without TLS', undefined, undefined, {}, true],
    ['opened without TLS, to a server that is known', undefined, leafKey, withTls, true],
    [
      'opened without TLS, to one that is met for the first time',
      undefined,
      undefined,
      { ...withTls, acceptNewKey: true },
      false,
    ],
    ['opened without TLS, to one with a new key', undefined, otherKey, { ...withTls, acceptNewKey: true }, false],
    ['bound to its key', leafKey, leafKey, withTls, true],
    [
      'bound to its key, to the same whose place was forgotten',
      leafKey,
      undefined,
      { ...withTls, acceptNewKey: true },
      true,
    ],
    ['bound to its key, without TLS', leafKey, leafKey, {}, false],
    ['bound to another key', otherKey, leafKey, withTls, false],
    ['bound to another key, to one with a new key', otherKey, otherKey, { ...withTls, acceptNewKey: true }, false],
    ['bound to another key, to one that is signed', otherKey, undefined, { tlsCa: true }, true],
  ])(
    'a session %s',
    async (_, boundTo, known, { tlsCa, ...values }: Omit<Partial<Values>, 'tlsCa'> & { tlsCa?: boolean }, goesOn) => {
      await using auth = await startAccountServer({
        certificate: { cert: pem.leaf + pem.intermediate, key: pem.leafKey },
      })
      await auth.register('Ada', password)
      const state = temporaryFolder()
      await run(auth.port, state, { user: 'Ada', password }).ended
      const server = `127.0.0.1:${auth.port}`
      const [{ token }] = sessionsIn(state) as [{ token: string }]
      const sessions = [{ server, user: 'Ada', token, ...(boundTo !== undefined && { key: boundTo }) }]
      writeFileSync(join(state, 'netlab', 'sessions.json'), JSON.stringify({ version: 1, sessions }))
      if (known !== undefined) writeFileSync(join(state, 'netlab', 'known_hosts'), `${server} ${known}\n`)
      const ca = join(state, 'ca.pem')
      writeFileSync(ca, pem.root)
      const io = run(auth.port, state, { user: 'Ada', ...values, ...(tlsCa === true && { tlsCa: ca }) }, 'whoami')
      if (!goesOn) {
        // There is nobody to ask for the password instead.
        await expect(io.ended).rejects.toMatchObject({
          exit: ExitCode.usage,
          hint: expect.stringContaining('--password-file'),
        })
        expect(sessionsIn(state)).toEqual(sessions)
        return
      }
      expect(await io.ended).toBe(ExitCode.ok)
      expect(io.stderr.text).toContain('your session goes on, Ada.')
      const isBound = values.tls === true || tlsCa === true
      expect(sessionsIn(state)).toEqual([{ server, user: 'Ada', token, ...(isBound && { key: leafKey }) }])
    },
  )

  test.each(['localhost', 'LOCALHOST.', '127.0.0.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::FFFF:7f00:1'])(
    'this machine is one server a port, also as %s',
    (host) => {
      expect(serverKey(host, 9007)).toBe('127.0.0.1:9007')
      const folder = temporaryFolder()
      const [path, sessionsPath] = [join(folder, 'known_hosts'), join(folder, 'sessions.json')]
      // As an earlier version wrote it.
      const place = host.includes(':') ? `[${host}]:9007` : `${host}:9007`
      writeFileSync(path, `${place} AA:BB\n`)
      writeFileSync(
        sessionsPath,
        JSON.stringify({ version: 1, sessions: [{ server: place, user: 'Ada', token: 't' }] }),
      )
      for (const name of ['localhost', '127.0.0.1', '::1'])
        expect(new KnownHosts(path).find(name, 9007)).toEqual(['AA:BB'])
      expect(new SessionFile(sessionsPath).find(serverKey('localhost', 9007))?.user).toBe('Ada')
    },
  )

  test.each([
    ['Example.ORG.', 'example.org:1'],
    ['example.org', 'example.org:1'],
    ['127.0.0.2', '127.0.0.2:1'],
    ['dev.localhost', 'dev.localhost:1'],
    ['192.0.2.7', '192.0.2.7:1'],
    ['::ffff:192.0.2.7', '192.0.2.7:1'],
    ['2001:DB8:0::7', '[2001:db8::7]:1'],
    ['fe80::1%eth0', '[fe80::1%eth0]:1'],
  ])('%s is remembered as %s', (host, server) => {
    expect(serverKey(host, 1)).toBe(server)
  })

  test('nothing secret to another machine in plain text, unless that is asked for', async () => {
    const { context, stderr } = testContext()
    const target = { host: 'example.org', port: 9090 }
    const client = (values: Partial<Values>) =>
      new LoginClient({
        ...target,
        values: { ...connectValues, user: 'Ada', password, session: false, ...values },
        context,
        report: () => undefined,
      })
    const never = () => Promise.reject(new Error('connected again'))
    const remote = (): ServerConnection => {
      const socket = Object.defineProperty(new FramedSocket(), 'remoteAddress', { value: '192.0.2.7' })
      return new ServerConnection(socket, target, new TrafficStats(), undefined)
    }
    await expect(client({}).run(remote(), never)).rejects.toMatchObject({
      exit: ExitCode.usage,
      hint: expect.stringContaining('--tls'),
    })
    const insecure = remote()
    const session = client({ insecure: true }).run(insecure, never)
    insecure.socket.destroy()
    await expect(session).rejects.toMatchObject({ exit: ExitCode.unavailable })
    expect(stderr.text).toBe('')
  })

  test('a server that is no login server gets no secret, and lines again if there was only a kept session', async () => {
    const heard: string[] = []
    await using echo = await listen((socket: Socket) => {
      socket.on('data', (chunk) => heard.push(chunk.toString('latin1')))
      socket.pipe(socket)
    })
    await expect(run(echo.port, temporaryFolder(), { user: 'Ada', password }).ended).rejects.toMatchObject({
      code: 'NO_LOGIN',
      exit: ExitCode.protocol,
    })
    const state = temporaryFolder()
    mkdirSync(join(state, 'netlab'))
    const sessions = [{ server: `127.0.0.1:${echo.port}`, user: 'Ada', token: 'secret-token' }]
    writeFileSync(join(state, 'netlab', 'sessions.json'), JSON.stringify({ version: 1, sessions }))
    const lines = run(echo.port, state, {}, 'a', 'b')
    expect(await lines.ended).toBe(ExitCode.ok)
    expect(lines.stdout.text).toBe('a\nb\n')
    expect(heard.join('')).not.toMatch(/secret-token|correct/)
    expect(sessionsIn(state)).toHaveLength(1)
  })

  test('a silent server is given up after --timeout', async () => {
    await using silent = await listen((socket) => void socket.resume())
    const io = run(silent.port, temporaryFolder(), { user: 'Ada', password, timeout: 2000 })
    await new Promise((resolve) => silent.server.once('connection', (socket) => socket.once('data', resolve)))
    io.clock.advance(2000)
    await expect(io.ended).rejects.toMatchObject({ code: 'NO_LOGIN' })
  })

  test('what a server says is escaped, and nonsense is a sentence', async () => {
    const answers: Record<string, object> = {
      hello: { type: 'hello', service: 'auth', version: 1 },
      login: { type: 'welcome', name: 'Ada\x1b[2J', how: 'login' },
      whoami: { type: 'denied', reason: 'no-such', message: 'no\x1b]0;x\x07' },
      sessions: { type: 'sessions', sessions: 'none' },
    }
    await using server = await listen((socket) => {
      const decoder = new FrameDecoder()
      socket.on('data', (chunk) => {
        for (const frame of decoder.push(chunk)) {
          socket.write(encodeFrame(JSON.stringify(answers[JSON.parse(frame.toString()).type])))
        }
      })
    })
    const io = run(server.port, temporaryFolder(), { user: 'Ada', password }, 'whoami', 'sessions')
    await expect(io.ended).rejects.toMatchObject({ code: 'BAD_MESSAGE', exit: ExitCode.protocol })
    expect(io.stderr.text).toContain('Welcome back, Ada\\x1b[2J.')
    expect(io.stdout.text).toBe('no\\x1b]0;x\\x07\n')
  })
})

const stateChild = fileURLToPath(new URL('../support/state-child.ts', import.meta.url))
test('bug: of several netlabs that remembered something at once, some forgot what the others had written', async () => {
  const folder = temporaryFolder()
  const each = 3
  const [hostsPath, sessionsPath] = [join(folder, 'known_hosts'), join(folder, 'sessions.json')]
  const names = Array.from({ length: 12 }, (_, number) => `name${number}`)
  const codes = await Promise.all(
    names.map(async (name) => {
      const child = spawn(process.execPath, [stateChild, hostsPath, sessionsPath, name, String(each)], {
        stdio: 'inherit',
      })
      return (await once(child, 'exit'))[0]
    }),
  )
  expect(codes).toEqual(names.map(() => 0))
  const hosts = new KnownHosts(hostsPath)
  const sessions = new SessionFile(sessionsPath)
  for (const name of names) {
    for (let number = 0; number < each; number++) {
      expect(hosts.find(`${name}.example`, number)).toEqual(['AB:CD'])
      expect(sessions.find(`${name}.example:${number}`, name)).toMatchObject({ user: name })
    }
  }
  expect(readdirSync(folder).sort()).toEqual(['known_hosts', 'sessions.json'])
})
