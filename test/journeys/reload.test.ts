import { once } from 'node:events'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { describe, expect, test } from '@jest/globals'
import { selfSignedCertificate } from '../../src/net/certificate.ts'
import { pem } from '../support/certificates.ts'
import { startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys, Terminal } from '../support/terminal.ts'

const here = ['--host', '127.0.0.1', '--port', '0']

/** What this port shows: the subject of its certificate, and the connection. */
async function visit(port: number) {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  return { socket, name: socket.getPeerCertificate().subject.CN }
}

async function portOf(server: ReturnType<typeof startNetlab>): Promise<number> {
  return Number(/:(\d+)$/.exec(await server.line(/listening on/))?.[1])
}

/** A file with the certificate and the key of `localhost`. */
function pairIn(cwd: string, cert: string = pem.leaf, key: string = pem.leafKey): string {
  writeFileSync(join(cwd, 'tls.pem'), cert + key)
  return 'tls.pem'
}

test('SIGHUP: whoever is there stays, whoever comes is shown the new certificate, and the log begins anew', async () => {
  const cwd = temporaryFolder()
  await using server = startNetlab(['serve', 'echo', ...here, '--tls-cert', pairIn(cwd)], { cwd })
  const port = await portOf(server)
  const before = await visit(port)
  expect(before.name).toBe('localhost')
  // So that there is one to move away.
  server.type('logs 1')
  await server.line(/connected/)
  pairIn(cwd, pem.rsa, pem.rsaKey)
  renameSync(join(cwd, 'logs', 'netlab.log'), join(cwd, 'rotated'))
  server.process.kill('SIGHUP')
  await server.stderr.waitFor('was asked to reload')
  await server.stderr.waitFor('The certificate is valid until')
  const after = await visit(port)
  expect(after.name).toBe('rsa')
  for (const { socket } of [before, after]) {
    socket.end('still here')
    expect(String((await once(socket, 'data'))[0])).toBe('still here')
  }
  expect((await server.stop()).exitCode).toBe(0)
  expect(readFileSync(join(cwd, 'rotated'), 'utf8')).toContain('"event":"starting"')
  const log = readFileSync(join(cwd, 'logs', 'netlab.log'), 'utf8')
  expect(log).toContain('"event":"reloaded"')
  expect(log).not.toContain('PRIVATE KEY')
})

test('files that change are read without being asked for; bad ones keep the certificate before', async () => {
  const cwd = temporaryFolder()
  await using server = startNetlab(['serve', 'echo', ...here, '--tls-cert', pairIn(cwd)], { cwd })
  const port = await portOf(server)
  await server.stderr.waitFor('The certificate is valid until')
  pairIn(cwd, pem.rsa, pem.leafKey)
  await server.stderr.waitFor(/The new certificate is not used.*one is ECDSA, the other is for RSA/)
  const kept = await visit(port)
  expect(kept.name).toBe('localhost')
  kept.socket.destroy()
  pairIn(cwd, pem.rsa, pem.rsaKey)
  await server.stderr.waitFor('The certificate is valid until')
  const { name, socket } = await visit(port)
  expect(name).toBe('rsa')
  socket.destroy()
  expect((await server.stop()).exitCode).toBe(0)
})

test.each([
  ['echo', ['serve', 'echo']],
  ['ident', ['serve', 'ident']],
  ['auth', ['serve', 'auth']],
  ['chat', ['serve', 'chat', '--tls']],
  ['chat-udp', ['chat-udp', '--serve']],
])('bug: SIGHUP ended %s', async (_, args) => {
  const cwd = temporaryFolder()
  await using server = startNetlab([...args, ...here, '--log-to', 'console'], { cwd })
  await server.line(/listening on/)
  for (let times = 0; times < 2; times++) {
    server.process.kill('SIGHUP')
    await server.stderr.waitFor('was asked to reload')
  }
  expect((await server.stop()).exitCode).toBe(0)
})

describe('on a terminal', () => {
  test('SIGHUP reloads while the terminal is there, and ends the server when that goes away', async () => {
    const cwd = temporaryFolder()
    const terminal = new Terminal(['serve', 'echo', ...here], { cwd })
    await terminal.see('echo>')
    process.kill(terminal.pid, 'SIGHUP')
    await terminal.see('was asked to reload')
    terminal.hangUp()
    expect((await terminal.finished()).exitCode).toBe(0)
    expect(readFileSync(join(cwd, 'logs', 'netlab.log'), 'utf8')).toContain('echo stopped: SIGHUP')
  })

  test('the passphrase of a key is asked for until it is right, and never seen', async () => {
    const cwd = temporaryFolder()
    const cert = pairIn(cwd, pem.leaf, pem.encryptedKey)
    const terminal = new Terminal(['serve', 'echo', ...here, '--tls-cert', cert], { cwd })
    await terminal.see('Passphrase of tls.pem')
    terminal.press('wrong', keys.enter)
    await terminal.see('the passphrase does not open the private key in tls.pem')
    terminal.press(...Array<string>(5).fill(keys.backspace), 'correct', keys.enter)
    await terminal.see('echo>')
    process.kill(terminal.pid, 'SIGHUP')
    await terminal.see('The certificate is valid until')
    terminal.press('stop', keys.enter)
    expect((await terminal.finished()).exitCode).toBe(0)
    expect(terminal.screen.text).not.toMatch(/wrong|correct/)
  })
})

test('a person who connects is asked about a new key, once, and the server is not kept waiting for the answer', async () => {
  const cwd = temporaryFolder()
  await using server = startNetlab(['serve', 'echo', ...here, '--tls-cert', pairIn(cwd), '--log-to', 'console'], {
    cwd,
  })
  const args = ['connect', `localhost:${await portOf(server)}`, '--tls']
  const env = { XDG_STATE_HOME: temporaryFolder() }
  const careful = new Terminal(args, { env })
  await careful.see(/first time at localhost:\d+: the fingerprint of its key is\s+SHA256/)
  await careful.see('Did the server print this')
  await server.stderr.waitFor('Client 1 from')
  await server.stderr.waitFor('disconnected')
  careful.press(keys.enter)
  expect((await careful.finished()).exitCode).toBe(76)
  expect(careful.screen.text).toContain('is not known yet')

  const person = new Terminal(args, { env })
  await person.see('Did the server print this')
  person.press('y', keys.enter)
  await person.see('> ')
  person.press('hello', keys.enter)
  await person.see('received 6 bytes')
  person.press(keys.ctrlD)
  expect((await person.finished()).exitCode).toBe(0)

  const again = new Terminal(['connect', args[1]?.replace('localhost', '127.0.0.1') ?? '', '--tls'], { env })
  await again.see('> ')
  again.press(keys.ctrlD)
  expect((await again.finished()).exitCode).toBe(0)
  expect(again.screen.text).not.toContain('first time')
})

test('off a terminal the passphrase comes from a file or the environment, or its lack is a sentence', async () => {
  const cwd = temporaryFolder()
  const args = ['serve', 'echo', ...here, '--tls-cert', pairIn(cwd, pem.leaf, pem.encryptedKey)]
  writeFileSync(join(cwd, 'passphrase'), 'correct\n')
  for (const [more, env] of [
    [['--tls-passphrase-file', 'passphrase'], {}],
    [[], { NETLAB_TLS_PASSPHRASE: 'correct' }],
  ] as const) {
    await using server = startNetlab([...args, ...more], { cwd, env })
    const { name, socket } = await visit(await portOf(server))
    expect(name).toBe('localhost')
    socket.destroy()
    expect((await server.stop()).exitCode).toBe(0)
  }
  await using none = startNetlab(args, { cwd })
  const { exitCode, stderr } = await none.finished()
  expect(exitCode).toBe(74)
  expect(stderr).toMatch(
    /^netlab: the private key in tls\.pem is encrypted\n {2}name the file .* --tls-passphrase-file/,
  )
})

test('a certificate that is over is told at the start, and serves all the same', async () => {
  const cwd = temporaryFolder()
  const { cert, key } = selfSignedCertificate('netlab', Date.UTC(2001, 0, 1))
  await using server = startNetlab(['serve', 'echo', ...here, '--tls-cert', pairIn(cwd, cert, key)], { cwd })
  const { socket } = await visit(await portOf(server))
  socket.destroy()
  await server.stderr.waitFor('The certificate ended on 2011-01-01')
  expect((await server.stop()).exitCode).toBe(0)
})

test('one that netlab made while the clock was wrong is made anew, with the same key', async () => {
  const cwd = temporaryFolder()
  const { cert, key } = selfSignedCertificate('netlab', 0)
  writeFileSync(join(cwd, 'netlab-tls.pem'), key + cert, { mode: 0o600 })
  await using server = startNetlab(['serve', 'echo', ...here, '--tls'], { cwd })
  const { socket } = await visit(await portOf(server))
  expect(Date.parse(socket.getPeerCertificate().valid_to)).toBeGreaterThan(Date.now())
  socket.destroy()
  expect((await server.stop()).stderr).not.toContain('ended on')
  const text = readFileSync(join(cwd, 'netlab-tls.pem'), 'utf8')
  expect(text.startsWith(key)).toBe(true)
  expect(text).not.toContain(cert)
})
