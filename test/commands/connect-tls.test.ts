import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import { connect } from '../../src/commands/connect/index.ts'
import { keyFingerprint, selfSignedCertificate } from '../../src/net/certificate.ts'
import { tlsOnly, tlsRefusal } from '../../src/net/dialect.ts'
import { netLimits } from '../../src/net/limits.ts'
import { echo } from '../../src/protocols/echo.ts'
import { pem } from '../support/certificates.ts'
import { testContext } from '../support/command-context.ts'
import { LocalServer } from '../support/local-server.ts'
import { listen } from '../support/sockets.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { connectValues } from './connect-values.ts'

const key = (cert: string): string => keyFingerprint(new X509Certificate(cert))
const fingerprint = (cert: string): string => new X509Certificate(cert).fingerprint256

type Values = Parameters<typeof connect.run>[0]

const pair = selfSignedCertificate('localhost', Date.now())
let server: LocalServer
beforeAll(async () => {
  server = await LocalServer.start(echo, { certificate: pair }, { peerAddress: '192.0.2.7' })
})
afterAll(() => server.close())

/** Runs `connect --tls` with an input, for somebody whose state is kept in `state`. */
function run(values: Partial<Values>, environment: Record<string, string> = { XDG_STATE_HOME: temporaryFolder() }) {
  const io = testContext()
  io.stdin.end('a\nb\n')
  const context = { ...io.context, environment }
  const all = { ...connectValues, port: server.port, tls: true, ...values }
  return { ...io, ended: connect.run(all, context) }
}

const place = (): string => `127.0.0.1:${server.port}`

/** A folder of state in which `known_hosts` has this text. */
function knowing(text: string): Record<string, string> {
  const XDG_STATE_HOME = temporaryFolder()
  mkdirSync(join(XDG_STATE_HOME, 'netlab'))
  writeFileSync(join(XDG_STATE_HOME, 'netlab', 'known_hosts'), text)
  return { XDG_STATE_HOME }
}

function knownIn({ XDG_STATE_HOME = '' }: Record<string, string>): string {
  return readFileSync(join(XDG_STATE_HOME, 'netlab', 'known_hosts'), 'utf8')
}

describe('connect --tls', () => {
  test('refuses a server that it meets for the first time, where nobody can be asked; nothing is sent', async () => {
    const state = { XDG_STATE_HOME: temporaryFolder() }
    const refused = run({}, state)
    await expect(refused.ended).rejects.toMatchObject({
      code: 'KEY_UNKNOWN',
      exit: ExitCode.protocol,
      message: `${place()} is not known yet, and nobody confirmed its key ${key(pair.cert)}`,
      hint: expect.stringContaining('--accept-new-key'),
    })
    expect(refused.stdout.text).toBe('')
    expect(existsSync(join(state.XDG_STATE_HOME, 'netlab', 'known_hosts'))).toBe(false)
  })

  test('tells the key of one that it may accept, remembers it for its owner alone, and is silent from then on', async () => {
    const state = { XDG_STATE_HOME: temporaryFolder() }
    const first = run({ acceptNewKey: true }, state)
    expect(await first.ended).toBe(ExitCode.ok)
    expect(first.stdout.text).toBe('a\nb\n')
    expect(first.stderr.text).toContain(`first time at ${place()}: the fingerprint of its key is ${key(pair.cert)}\n`)
    expect(knownIn(state)).toBe(`${place()} ${key(pair.cert)}\n`)
    const file = join(state.XDG_STATE_HOME, 'netlab', 'known_hosts')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(state.XDG_STATE_HOME, 'netlab')).mode & 0o777).toBe(0o700)

    const second = run({}, state)
    expect(await second.ended).toBe(ExitCode.ok)
    expect(second.stderr.text).not.toContain('fingerprint')
  })

  test('a certificate renewed with the same key is no news, one with another key is refused', async () => {
    const state = knowing(`${place()} ${key(pair.cert)}\n`)
    server.useCertificate(selfSignedCertificate('localhost', Date.now(), createPrivateKey(pair.key)))
    const silent = run({}, state)
    expect(await silent.ended).toBe(ExitCode.ok)
    expect(silent.stderr.text).not.toMatch(/key|fingerprint/)
    server.useCertificate(selfSignedCertificate('localhost', Date.now()))
    await expect(run({}, state).ended).rejects.toMatchObject({ code: 'KEY_CHANGED' })
    server.useCertificate(pair)
  })

  test('this machine is known by one name, whichever it is met by, and a dot at the end changes nothing', async () => {
    const state = knowing(`LOCALHOST:${server.port} ${key(pair.cert)}\n`)
    for (const host of ['localhost', 'localhost.', '127.0.0.1', '::ffff:127.0.0.1']) {
      const met = run({ host: { host } }, state)
      expect(await met.ended).toBe(ExitCode.ok)
      expect(met.stderr.text).not.toMatch(/first time|new key/)
    }
  })

  test('refuses another key with both fingerprints and the way to accept it, and then accepts it', async () => {
    const before = key(pem.leaf)
    const others = '# mine\nelsewhere:1 AA:BB\n'
    const state = knowing(`${others}${place()} ${before}\n`)
    const refused = run({}, state)
    await expect(refused.ended).rejects.toMatchObject({
      code: 'KEY_CHANGED',
      exit: ExitCode.protocol,
      message: `${place()} shows another key than before: ${key(pair.cert)}, where ${before} was known`,
      hint: expect.stringContaining('--accept-new-key'),
    })
    expect(refused.stdout.text).toBe('')

    const accepted = run({ acceptNewKey: true }, state)
    expect(await accepted.ended).toBe(ExitCode.ok)
    expect(accepted.stderr.text).toContain(`new key of ${place()}`)
    expect(knownIn(state)).toBe(`${others}${place()} ${key(pair.cert)}\n`)
    expect(await run({}, state).ended).toBe(ExitCode.ok)
  })

  test('a line of an earlier version, with the fingerprint of the certificate, is good, and becomes one with the key', async () => {
    const state = knowing(`${place()} ${fingerprint(pair.cert)}\n`)
    const known = run({}, state)
    expect(await known.ended).toBe(ExitCode.ok)
    expect(known.stderr.text).not.toMatch(/key|fingerprint/)
    expect(knownIn(state)).toBe(`${place()} ${key(pair.cert)}\n`)

    const other = knowing(`${place()} ${fingerprint(pem.leaf)}\n`)
    await expect(run({}, other).ended).rejects.toMatchObject({
      code: 'KEY_CHANGED',
      message: `${place()} shows another certificate than before: ${fingerprint(pair.cert)}, where ${fingerprint(pem.leaf)} was known`,
    })
  })

  test.each([
    ['half a line', () => place()],
    ['a fingerprint that is none', () => `${place()} SHA256:short`],
    ['no place', () => `127.0.0.1 ${key(pair.cert)}`],
    ['lines that ran together', () => `elsewhere:1 AA:BB${place()} ${key(pair.cert)}`.replace(' AA', ':AA')],
    ['another file', () => '{"version":1}'],
    ['UTF-16', () => Buffer.from(`${place()} ${key(pair.cert)}\n`, 'utf16le').toString('latin1')],
  ])('known_hosts with %s is an error and no first contact', async (_, line) => {
    const state = knowing(`# mine\nelsewhere:1 AA:BB\n${line()}\n`)
    for (const acceptNewKey of [false, true]) {
      const refused = run({ acceptNewKey }, state)
      await expect(refused.ended).rejects.toMatchObject({
        code: 'DAMAGED',
        exit: ExitCode.io,
        message: expect.stringMatching(/^line 3 of .*known_hosts cannot be read, and may be about 127\.0\.0\.1:/),
      })
      expect(refused.stdout.text).toBe('')
    }
    // Who is known on another line is known.
    expect(await run({}, knowing(`${line()}\n${place()} ${key(pair.cert)} since May\r\n`)).ended).toBe(ExitCode.ok)
  })

  test('goes by the signature and the name with --tls-ca, and remembers nothing', async () => {
    const tlsCa = join(temporaryFolder(), 'ca.pem')
    writeFileSync(tlsCa, pair.cert)
    const named = run({ tls: false, tlsCa, host: { host: 'localhost' } }, {})
    expect(await named.ended).toBe(ExitCode.ok)
    expect(named.stdout.text).toBe('a\nb\n')
    expect(await run({ tlsCa }, {}).ended).toBe(ExitCode.ok)
    expect(await run({ tlsCa, host: { host: 'Localhost.' } }, {}).ended).toBe(ExitCode.ok)
    // The same address, written so that no certificate names it.
    const elsewhere = '::ffff:127.0.0.1'
    await expect(run({ tlsCa, host: { host: elsewhere } }, {}).ended).rejects.toMatchObject({
      exit: ExitCode.protocol,
      message: `the certificate of [${elsewhere}]:${server.port} is for another name than ${elsewhere}`,
    })
    writeFileSync(tlsCa, selfSignedCertificate('localhost', Date.now()).cert)
    await expect(run({ tlsCa, host: { host: 'localhost' } }, {}).ended).rejects.toMatchObject({
      code: 'UNTRUSTED',
      exit: ExitCode.protocol,
    })
    writeFileSync(tlsCa, 'no certificate')
    await expect(run({ tlsCa }, {}).ended).rejects.toMatchObject({ exit: ExitCode.io })
  })

  test.each([{}, { HOME: '' }, { HOME: 'relative', XDG_STATE_HOME: 'relative' }])(
    'without a home (%j) says what to do',
    async (environment) => {
      await expect(run({}, environment).ended).rejects.toMatchObject({
        exit: ExitCode.usage,
        message: expect.stringContaining('HOME is not set'),
      })
    },
  )

  test('a folder that can not be written ends it before a byte is sent', async () => {
    const XDG_STATE_HOME = join(temporaryFolder(), 'file')
    writeFileSync(XDG_STATE_HOME, '')
    await expect(run({ acceptNewKey: true }, { XDG_STATE_HOME }).ended).rejects.toMatchObject({ exit: ExitCode.io })
  })

  test('a server without TLS, one that leaves, and one that says nothing are told apart', async () => {
    const [plain, leaving, silent] = await Promise.all([
      listen((socket) => void socket.write('220 welcome\r\n')),
      listen((socket) => void socket.once('data', () => socket.destroy())),
      listen(() => undefined),
    ])
    await expect(run({ port: plain.port }).ended).rejects.toMatchObject({
      exit: ExitCode.unavailable,
      message: `127.0.0.1:${plain.port} does not speak TLS with us`,
    })
    await expect(run({ port: leaving.port }).ended).rejects.toMatchObject({ code: 'ECONNRESET' })
    const waiting = run({ port: silent.port, timeout: 1000 })
    const arrived = new Promise((resolve) => silent.server.once('connection', (socket) => socket.once('data', resolve)))
    await arrived
    waiting.clock.advance(1000)
    await expect(waiting.ended).rejects.toMatchObject({ code: 'ETIMEDOUT', exit: ExitCode.unavailable })
    const interrupted = run({ port: silent.port })
    await new Promise((resolve) => silent.server.once('connection', resolve))
    interrupted.abort('SIGINT')
    await expect(interrupted.ended).rejects.toBe('SIGINT')
    await Promise.all([plain, leaving, silent].map((one) => one[Symbol.asyncDispose]()))
  })
})

test('who came late, and was taken for somebody who types, comes once more', async () => {
  let connections = 0
  const io = testContext()
  io.stdin.end('a\nb\n')
  await using front = await listen((socket) => {
    if (++connections > 1) {
      const behind = createConnection(server.port, '127.0.0.1')
      socket.pipe(behind).pipe(socket)
      return
    }
    socket.once('data', (hello) => {
      io.clock.advance(netLimits.dialectMs + 1)
      socket.end(hello)
    })
  })
  const context = { ...io.context, environment: { XDG_STATE_HOME: temporaryFolder() } }
  const values = { ...connectValues, port: front.port, tls: true, acceptNewKey: true }
  expect(await connect.run(values, context)).toBe(ExitCode.ok)
  expect([connections, io.stdout.text]).toEqual([2, 'a\nb\n'])
})

describe('a plain client at a server that takes TLS only', () => {
  test.each([
    ['lines', {}],
    ['frames', { framing: 'frames' }],
    ['a hex dump', { hex: true }],
    ['a login', { user: 'Ada', password: 'secret' }],
  ] as const)('is told so in place of an answer: %s', async (_, values) => {
    const refused = run({ tls: false, ...values })
    await expect(refused.ended).rejects.toMatchObject({
      code: 'TLS_ONLY',
      exit: ExitCode.unavailable,
      message: `${place()} takes nobody without TLS`,
      hint: 'use --tls',
    })
    if (!('hex' in values)) expect(refused.stdout.text).toBe('')
  })

  test('is told so by the alert of a server that is none of ours', async () => {
    await using other = await listen((socket) => void socket.once('data', () => socket.end(tlsRefusal)))
    await expect(run({ tls: false, port: other.port }).ended).rejects.toMatchObject({ code: 'TLS_ONLY' })
  })

  test.each([
    ['the echo of the same', tlsRefusal, (socket: Socket) => socket.pipe(socket)],
    ['the echo of our words', Buffer.from(`netlab: ${tlsOnly}`), (socket: Socket) => socket.pipe(socket)],
    ['what begins like it', tlsRefusal, (socket: Socket) => void socket.write(Buffer.concat([tlsRefusal, tlsRefusal]))],
  ])('%s is data like any other', async (_, input, answer) => {
    await using other = await listen((socket) => {
      answer(socket)
      socket.resume().on('end', () => socket.end())
    })
    const io = testContext()
    io.stdin.end(input)
    expect(await connect.run({ ...connectValues, port: other.port }, io.context)).toBe(ExitCode.ok)
    expect(io.stdout.text.length).toBeGreaterThanOrEqual(input.length)
  })
})
