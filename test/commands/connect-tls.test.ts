import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import { connect } from '../../src/commands/connect/index.ts'
import { selfSignedCertificate } from '../../src/net/certificate.ts'
import { echo } from '../../src/protocols/echo.ts'
import { testContext } from '../support/command-context.ts'
import { LocalServer } from '../support/local-server.ts'
import { listen } from '../support/sockets.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { connectValues } from './connect-values.ts'

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

describe('connect --tls', () => {
  test('tells the fingerprint the first time, remembers it for its owner alone, and is silent from then on', async () => {
    const XDG_STATE_HOME = temporaryFolder()
    const first = run({}, { XDG_STATE_HOME })
    expect(await first.ended).toBe(ExitCode.ok)
    expect(first.stdout.text).toBe('a\nb\n')
    expect(first.stderr.text).toContain(`first time at ${place()}: SHA-256 fingerprint ${fingerprint(pair.cert)}\n`)
    const file = join(XDG_STATE_HOME, 'netlab', 'known_hosts')
    expect(readFileSync(file, 'utf8')).toBe(`${place()} ${fingerprint(pair.cert)}\n`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(XDG_STATE_HOME, 'netlab')).mode & 0o777).toBe(0o700)

    const second = run({}, { XDG_STATE_HOME })
    expect(await second.ended).toBe(ExitCode.ok)
    expect(second.stderr.text).not.toContain('fingerprint')
  })

  test('refuses another certificate with both fingerprints and the way to accept it, and then accepts it', async () => {
    const HOME = temporaryFolder()
    const folder = join(HOME, '.local', 'state', 'netlab')
    mkdirSync(folder, { recursive: true })
    const other = `# mine\nelsewhere:1 AA:BB\n`
    writeFileSync(join(folder, 'known_hosts'), `${other}${place()} CC:DD\n`)
    const refused = run({}, { HOME })
    await expect(refused.ended).rejects.toMatchObject({
      code: 'KEY_CHANGED',
      exit: ExitCode.protocol,
      message: `${place()} shows another certificate than before: ${fingerprint(pair.cert)}, where CC:DD was known`,
      hint: expect.stringContaining('--accept-new-key'),
    })
    expect(refused.stdout.text).toBe('')

    const accepted = run({ acceptNewKey: true }, { HOME })
    expect(await accepted.ended).toBe(ExitCode.ok)
    expect(accepted.stderr.text).toContain(`new key of ${place()}`)
    expect(readFileSync(join(folder, 'known_hosts'), 'utf8')).toBe(`${other}${place()} ${fingerprint(pair.cert)}\n`)
    expect(await run({}, { HOME }).ended).toBe(ExitCode.ok)
  })

  test('goes by the signature and the name with --tls-ca, and remembers nothing', async () => {
    const tlsCa = join(temporaryFolder(), 'ca.pem')
    writeFileSync(tlsCa, pair.cert)
    const named = run({ tls: false, tlsCa, host: { host: 'localhost' } }, {})
    expect(await named.ended).toBe(ExitCode.ok)
    expect(named.stdout.text).toBe('a\nb\n')
    expect(await run({ tlsCa }, {}).ended).toBe(ExitCode.ok)
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
    await expect(run({}, { XDG_STATE_HOME }).ended).rejects.toMatchObject({ exit: ExitCode.io })
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
