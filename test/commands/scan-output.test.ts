import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Clock } from '../../src/base/clock.ts'
import { scanLimits } from '../../src/scan/limits.ts'
import { outputFormats } from '../../src/scan/report/formats.ts'
import type { CertificateInfo, PortResult, TlsInfo } from '../../src/scan/types.ts'
import { type Answer, open, openPorts, runScanCommand } from '../support/scan-context.ts'
import { readers } from '../support/scan-formats.ts'
import { aReport, hostileTls } from '../support/scan-report.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const base = ['127.0.0.1', '-p', '20-90']
const answer = openPorts(22, 80, 25)

describe('what a scan prints', () => {
  test('stdout has the list in ascending order, stderr the ports as they are found and the summary', async () => {
    const { exit, stdout, stderr } = await runScanCommand(base, { answer })
    expect(exit).toBe(0)
    expect(stdout).toBe('Port 22 open (ssh)  0.50 ms\nPort 25 open (smtp)  0.50 ms\nPort 80 open (http)  0.50 ms\n')
    expect(stderr).toMatch(/^Port 80 open \(http\)\nPort 25 open \(smtp\)\nPort 22 open \(ssh\)\n/)
    expect(stderr).toMatch(/71 ports of 127\.0\.0\.1 in .* s: 3 open, 68 closed \(refused\)\n/)
    expect(stderr).toContain('the result is complete\n')
    expect(stderr).toContain('services are guessed from port numbers (IANA), not from what answered\n')
  })

  test('nothing open: nothing on stdout, exit 1', async () => {
    const { exit, stdout, stderr } = await runScanCommand(base)
    expect([exit, stdout]).toEqual([1, ''])
    expect(stderr).toContain('none open, 71 closed (refused)')
  })

  test('quiet says nothing when all went well', async () => {
    const { stdout, stderr } = await runScanCommand([...base, '-q'], { answer })
    expect(stdout).toContain('Port 22 open')
    expect(stderr).toBe('')
  })

  test('other states are listed when asked for', async () => {
    const { stdout } = await runScanCommand(['127.0.0.1-2', '-p', '22,23', '--show', 'closed'], {
      answer: (address, port) =>
        port === 22 ? open : address.endsWith('1') ? { state: 'filtered', reason: 'no-answer' } : {},
    })
    expect(stdout).toBe(
      'Port 22 open on 127.0.0.1 (ssh)  0.50 ms\n' +
        'Port 22 open on 127.0.0.2 (ssh)  0.50 ms\n' +
        'Port 23 closed on 127.0.0.2 (telnet): refused\n',
    )
  })

  test('JSON, JSON Lines and CSV', async () => {
    const json = await runScanCommand([...base, '--json'], { answer })
    expect(JSON.parse(json.stdout).hosts[0].ports.map(({ port }: { port: number }) => port)).toEqual([22, 25, 80])
    const csv = await runScanCommand([...base, '--csv'], { answer })
    expect(csv.stdout.split('\r\n')).toHaveLength(5)
    const lines = await runScanCommand([...base, '--jsonl'], { answer })
    const parsed = lines.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(parsed.map(({ type, port }) => port ?? type)).toEqual([80, 25, 22, 'summary'])
    expect(lines.stderr).not.toContain('Port 22')
  })

  test('garbage from a service stays harmless in every format', async () => {
    const banner = Buffer.from('=cmd()\x1b[31m"\n\xff,', 'latin1')
    for (const format of ['--json', '--jsonl', '--csv', '--quiet']) {
      const { stdout } = await runScanCommand(['127.0.0.1', '-p', '22', '--banner', format], {
        answer: () => ({ ...open, banner }),
      })
      expect(stdout.replace(/[\r\n]/g, '')).toMatch(/^[\x20-\x7e]+$/)
      expect(stdout).toContain('\\x1b[31m')
    }
  })

  test('errors and unreachable ports are never closed, and the result says that it is not complete', async () => {
    const { stdout, stderr, exit } = await runScanCommand([...base, '--json'], {
      answer: (_, port) =>
        port === 50 ? { state: 'error', reason: 'EMFILE' } : { state: 'unreachable', reason: 'network-unreachable' },
    })
    expect(exit).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      complete: false,
      counts: { error: { EMFILE: 1 }, unreachable: { 'network-unreachable': 70 } },
    })
    expect(stderr).toContain('the result is NOT complete')
  })

  test('a host of which nothing at all was heard was called complete, though its ports may have been out of reach', async () => {
    const silence = { state: 'filtered', reason: 'no-answer' } as const
    const silent = await runScanCommand(base, { answer: () => silence })
    expect(silent.stderr).toContain('the result is NOT complete\nnothing at all was heard from 127.0.0.1')
    const heard = await runScanCommand(base, {
      answer: (_, port) => (port === 50 ? { state: 'closed', reason: 'refused' } : silence),
    })
    expect(heard.stderr).toContain('the result is complete\n')
    expect(heard.stderr).not.toContain('nothing at all')
  })
})

describe('a file for the result', () => {
  test.each([
    ['scan.json', (text: string) => JSON.parse(text).format === 'netlab-scan'],
    ['scan.csv', (text: string) => text.startsWith('address,name,')],
    [
      'scan.jsonl',
      (text: string) =>
        text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line).type)
          .join() === 'result,result,result,summary',
    ],
    ['scan.txt', (text: string) => text.startsWith('Port 22 open')],
  ])('%s', async (name, isRight) => {
    const folder = temporaryFolder()
    const path = join(folder, name)
    writeFileSync(path, 'what was there before')
    const { stdout, stderr } = await runScanCommand([...base, '-o', path], { answer })
    expect(stdout).toBe('')
    expect(stderr).toContain(`written to ${path}\n`)
    expect(isRight(readFileSync(path, 'utf8'))).toBe(true)
    expect(readdirSync(folder)).toEqual([name])
  })

  test('something that is no plain file is written to, not replaced', async () => {
    expect((await runScanCommand([...base, '-o', '/dev/null', '--json'], { answer })).exit).toBe(0)
    expect(readFileSync('/dev/null')).toHaveLength(0)
    // As the shell hands it over for `-o /dev/stdout >> FILE`: what is in it stays, and the file is the same one.
    const file = join(temporaryFolder(), 'kept')
    writeFileSync(file, 'before\n')
    const descriptor = openSync(file, 'a')
    expect((await runScanCommand([...base, '-o', `/dev/fd/${descriptor}`, '--json'], { answer })).exit).toBe(0)
    expect(fstatSync(descriptor).ino).toBe(statSync(file).ino)
    closeSync(descriptor)
    expect(readFileSync(file, 'utf8')).toMatch(/^before\n\{/)
  })
})

describe.each(outputFormats.map((format) => [format.name, format] as const))('the format %s', (name, format) => {
  const read = readers[name]
  const option = 'option' in format ? [`--${name}`] : []
  const words = ['127.0.0.1-2', '-p', '20-90', ...option]

  test('is valid, and lists what was found, ascending', async () => {
    const { stdout } = await runScanCommand([...words, '--show', 'filtered'], {
      answer: (address, port) =>
        port === 50 ? { state: 'filtered', reason: 'no-answer' } : address.endsWith('1') && port === 22 ? open : {},
    })
    expect(read(stdout).ports).toEqual([
      { address: '127.0.0.1', port: 22, state: 'open' },
      { address: '127.0.0.1', port: 50, state: 'filtered' },
      { address: '127.0.0.2', port: 50, state: 'filtered' },
    ])
  })

  test('is valid when there is nothing to list', async () => {
    const { stdout } = await runScanCommand(words)
    expect(read(stdout).ports).toEqual([])
  })

  // The fake scanner begins at the last port of the last host.
  test.each([
    [1, []],
    [60, ['2 80']],
    [130, ['1 80', '2 22', '2 80']],
  ])('is valid when the scan is interrupted after %i results', async (count, found) => {
    const { exit, stdout } = await runScanCommand(words, {
      answer: openPorts(22, 80),
      afterEach: (done, { interrupt }) => void (done === count && interrupt()),
    })
    expect(exit).toBe(130)
    const { ports, interrupted = true } = read(stdout)
    expect(ports.map(({ address, port }) => `${address.slice(-1)} ${port}`)).toEqual(found)
    expect(interrupted).toBe(true)
  })

  test('is valid when it was interrupted before the scan began', async () => {
    const { stdout } = await runScanCommand(['slow', '-p', '80', ...option], { interruptedBefore: true })
    expect(read(stdout).ports).toEqual([])
  })

  test.each([
    '=cmd()\x1b[31m"\n\xff,',
    '"],"ports":[{"port":1}]}',
    '\r\nPort 1 open on 127.0.0.1\r\n',
    '-->\0<script>]]>&amp;\t\u202e',
    '+1,"2";\\',
  ])('stays valid and printable, whatever a service says: %j', async (banner) => {
    const { stdout } = await runScanCommand(['127.0.0.1-2', '-p', '22', '--banner', ...option], {
      answer: () => ({ ...open, banner: Buffer.from(banner) }),
    })
    expect(read(stdout).ports.map(({ port }) => port)).toEqual([22, 22])
    // Between fields of its own; that a banner adds none is what its reader sees to.
    expect(stdout.replace(name === 'grep' ? /[\t\n]/g : /[\r\n]/g, '')).toMatch(/^[\x20-\x7e]+$/)
  })

  test('has what a port says in TLS, and stays valid and printable whatever stands in its certificate', async () => {
    const { stdout } = await runScanCommand(['127.0.0.1-2', '-p', '443', '--tls-info', ...option], {
      answer: () => open,
      askTls: async ({ host }) => (host.address === '127.0.0.1' ? hostileTls : { refused: 'handshake failure' }),
    })
    expect(read(stdout).ports.map(({ port }) => port)).toEqual([443, 443])
    expect(stdout.replace(name === 'grep' ? /[\t\n…]/g : /[\r\n…]/g, '')).toMatch(/^[\x20-\x7e]+$/)
    expect(stdout).toContain('TLSv1.2')
    expect(stdout).toContain('\\x1b[31m')
    expect(stdout).toMatch(/handshake failure|refused/)
  })

  test('is valid when the scan is interrupted while it asks for TLS', async () => {
    const { exit, stdout } = await runScanCommand(['127.0.0.1-2', '-p', '443', '--tls-info', ...option], {
      answer: () => open,
      askTls: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
      afterEach: (done, { interrupt }) => void (done === 2 && interrupt()),
    })
    expect(exit).toBe(130)
    expect(read(stdout).ports).toHaveLength(2)
  })

  test('is valid with every port there is', async () => {
    const host = { address: '10.0.0.1', family: 4, name: 'one.example' } as const
    const ports = Array.from({ length: 65_535 }, (_, index): PortResult => {
      return { host, port: index + 1, state: 'closed', reason: 'refused', rttMs: 0.25, attempts: 1 }
    })
    const counts = { closed: { refused: ports.length } }
    const report = aReport([], { hostCount: 2, shown: ['open', 'closed'], counts, results: [{ host, ports }] })
    const renderer = await format.load()
    const streamed = 'result' in renderer ? ports.map(renderer.result).join('') : ''
    const back = read(streamed + [...renderer.report(report)].join(''))
    expect(back.ports.map(({ port }) => port)).toEqual(ports.map(({ port }) => port))
  })

  const full = existsSync('/dev/full') ? test : test.skip
  full('a full disk and a folder in the place of the file are told (needs /dev/full)', async () => {
    const run = (path: string) => runScanCommand([...words, '--show', 'all', '-o', path], { answer })
    await expect(run('/dev/full')).rejects.toMatchObject({ exit: 74, message: expect.stringContaining('no space') })
    await expect(run(temporaryFolder())).rejects.toMatchObject({
      exit: 74,
      message: expect.stringContaining('directory'),
    })
  })

  test.each(format.extensions)('goes to a file that ends in .%s, as to standard output', async (extension) => {
    const path = join(temporaryFolder(), `scan.${extension.toUpperCase()}`)
    const { stdout } = await runScanCommand(['127.0.0.1-2', '-p', '22', '-o', path], { answer })
    expect(stdout).toBe('')
    expect(read(readFileSync(path, 'utf8')).ports).toHaveLength(2)
  })
})

describe('TLS', () => {
  const certificate = (daysLeft: number, more: Partial<CertificateInfo> = {}): TlsInfo => ({
    version: 'TLSv1.3',
    alpn: 'h2',
    certificate: {
      subject: 'CN=a.example',
      names: ['a.example', 'b.example', 'c.example', 'd.example'],
      issuer: 'CN=R3',
      validFrom: '2020-01-01T00:00:00.000Z',
      validTo: '2031-02-03T00:00:00.000Z',
      daysLeft,
      fingerprint: 'AB:CD',
      ...more,
    },
  })

  test('is told in the list and as ports are found, of those that speak it', async () => {
    const asked: number[] = []
    const { stdout, stderr } = await runScanCommand(['127.0.0.1', '-p', '22,80,443', '--banner', '--tls-info'], {
      answer: (_, port) => ({ ...open, ...(port === 22 && { banner: Buffer.from('SSH-2.0-x') }) }),
      askTls: async ({ port }) => {
        asked.push(port)
        return port === 443 ? certificate(62) : undefined
      },
    })
    const words =
      'TLSv1.3, h2, for a.example b.example c.example and 1 more, by "CN=R3", until 2031-02-03 (62 days left)'
    expect(stdout).toBe(
      `Port 22 open (ssh)  0.50 ms  "SSH-2.0-x"\nPort 80 open (http)  0.50 ms\nPort 443 open (https)  0.50 ms  ${words}\n`,
    )
    expect(stderr).toContain(`Port 443 open (https)  ${words}\n`)
    // Who speaks first speaks no TLS.
    expect(asked).toEqual([443, 80])
  })

  const withoutTimes = { validFrom: undefined, validTo: undefined, daysLeft: undefined } as unknown as CertificateInfo
  test.each<[number, TlsInfo | undefined, number, string]>([
    [14, certificate(14), 0, ''],
    [15, certificate(14), 1, 'the certificate of 127.0.0.1:443: it ends on 2031-02-03, in less than 15 days\n'],
    [0, certificate(0), 0, ''],
    [0, certificate(-1), 1, 'it ended on 2031-02-03\n'],
    [1, certificate(90, { validFrom: '2999-01-01T00:00:00.000Z' }), 1, 'it begins only on 2999-01-01\n'],
    [1, certificate(90, withoutTimes), 1, 'its times make no sense\n'],
    [1, { refused: 'handshake failure' }, 1, 'the certificate of 127.0.0.1:443: none was shown\n'],
    [1, undefined, 1, 'no certificate was read, so it is not known how long any is valid\n'],
  ])('--expect-cert-days %i, and %j', async (days, tls, exit, sentence) => {
    const run = await runScanCommand(['127.0.0.1', '-p', '443', '--expect-cert-days', String(days)], {
      answer: openPorts(443),
      askTls: async () => tls,
    })
    expect(run.exit).toBe(exit)
    if (sentence !== '') expect(run.stderr).toContain(sentence)
    expect(run.stderr.includes('certificate')).toBe(sentence !== '')
  })

  test('ports that are expected to be open must be, whatever the certificates', async () => {
    const run = (...words: string[]) =>
      runScanCommand(['127.0.0.1', '-p', '22,443', '--expect-cert-days', '1', ...words], {
        answer: openPorts(443),
        askTls: async () => certificate(90),
      }).then(({ exit }) => exit)
    expect(await run()).toBe(0)
    expect(await run('--expect', '22')).toBe(1)
    await expect(run('--diff', 'old.json')).rejects.toMatchObject({ exit: 64 })
  })

  test('a host that has every port open is asked for TLS so often, so many times a second, a few at a time', async () => {
    const clock = hurrying()
    let underWay = 0
    let most = 0
    let asked = 0
    const { exit, stdout, stderr } = await runScanCommand(
      ['127.0.0.1', '-p', '1-400', '--json', '--expect-cert-days', '1'],
      {
        clock,
        answer: () => open,
        askTls: async () => {
          asked++
          most = Math.max(most, ++underWay)
          for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
          underWay--
          return certificate(90)
        },
      },
    )
    expect(JSON.parse(stdout).counts).toEqual({ open: { connected: 400 } })
    expect(asked).toBe(scanLimits.tlsPortsOfHost)
    expect(most).toBeLessThanOrEqual(scanLimits.tlsCount)
    expect(clock.monotonic()).toBeGreaterThan(((asked - 2) * 1000) / scanLimits.tlsRate)
    expect(stderr).toContain('144 open ports were not asked for TLS')
    expect(exit).toBe(1)
  })

  test('a certificate of a kept scan counts when it is continued', async () => {
    const resume = join(temporaryFolder(), 'scan.state')
    const words = ['127.0.0.1', '-p', '20-90', '--expect-cert-days', '20', '--resume', resume]
    const askTls = async () => certificate(14)
    const first = await runScanCommand(words, {
      answer: openPorts(80),
      askTls,
      afterEach: (done, { interrupt }) => void (done === 30 && interrupt()),
    })
    expect(first.exit).toBe(130)
    const second = await runScanCommand(words, { answer: openPorts(), askTls })
    expect(second.exit).toBe(1)
    expect(second.stderr).toContain('in less than 20 days')
  })
})

describe('expectations', () => {
  test.each([
    [['--expect', '22,80'], 0, ''],
    [['--expect', '22,81'], 1, 'expected to be open, but not: 81\n'],
  ])('%j', async (words, exit, sentence) => {
    const result = await runScanCommand([...base, ...words], { answer })
    expect(result.exit).toBe(exit)
    expect(result.stderr).toContain(sentence)
  })

  test('hold for every address', async () => {
    const one: Answer = (address, port) => (address === '127.0.0.1' && port === 80 ? open : {})
    const { exit, stderr } = await runScanCommand(['127.0.0.1-2', '--expect', '80'], { answer: one })
    expect(exit).toBe(1)
    expect(stderr).toContain('1 of the 2 ports expected to be open are not\n')
  })
})

/** A clock on which everything that is waited for comes at once. */
function hurrying(): Clock {
  let nowMs = 0
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs, callback) {
      // What is far away is the end of the wait, which nothing here waits for.
      if (delayMs >= 10_000) return { cancel: () => {} }
      const timer = setImmediate(() => {
        nowMs += delayMs
        callback()
      })
      return { cancel: () => clearImmediate(timer) }
    },
  }
}

describe('waiting', () => {
  test('asks again what is not open, until all is', async () => {
    const opens: Record<number, number> = { 22: 1, 80: 2, 443: 3 }
    const { exit, stdout, plans } = await runScanCommand(['127.0.0.1', '-p', '22,80,443', '--wait'], {
      answer: (_, port, round) => (round >= (opens[port] ?? 0) ? open : {}),
    })
    expect(exit).toBe(0)
    expect(plans.map(({ plan }) => plan.ports)).toEqual([[22, 80, 443], [80, 443], [443]])
    expect(stdout.match(/^Port/gm)).toHaveLength(3)
  })

  test('ends when the time is up, with what was seen last', async () => {
    const { exit, stdout, stderr } = await runScanCommand(['127.0.0.1', '-p', '22,80', '--wait', '50ms', '--json'], {
      answer: openPorts(22),
    })
    expect(exit).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      complete: true,
      interrupted: false,
      counts: { closed: { refused: 1 } },
      notScanned: 0,
    })
    expect(stderr).toContain('expected to be open, but not: 80\n')
  })

  test('for some ports only; the others are scanned once, afterwards', async () => {
    const { exit, plans } = await runScanCommand(['127.0.0.1', '-p', '22,80,443', '--expect', '80', '--wait'], {
      answer: openPorts(80),
    })
    expect(exit).toBe(0)
    expect(plans.map(({ plan }) => plan.ports)).toEqual([[80], [22, 443]])
  })

  test('a word behind --wait is its time only if it is one', async () => {
    const { plans } = await runScanCommand(['--wait', '127.0.0.1', '-p', '80'], { answer: openPorts(80) })
    expect(plans.map(({ hosts }) => hosts)).toEqual([['127.0.0.1']])
  })

  test('for a name that is not known yet, and for one that has another address later', async () => {
    let asked = 0
    const { exit, stderr, stdout } = await runScanCommand(['db', '-p', '80', '--wait', '--json'], {
      clock: hurrying(),
      answer: (address) => (address === '10.0.0.3' ? open : {}),
      names: () => [undefined, ['10.0.0.2'], ['10.0.0.3']][asked++],
    })
    expect(exit).toBe(0)
    expect(stderr).toContain('db could not be resolved (ENOTFOUND)\n')
    expect(stderr).toContain('db is 10.0.0.2 now\ndb is 10.0.0.3 now\n')
    expect(JSON.parse(stdout)).toMatchObject({
      complete: true,
      unresolved: [],
      hosts: [{ address: '10.0.0.3', names: ['db'] }],
    })
  })

  test('a name that stays unknown, alone and beside another', async () => {
    const alone = await runScanCommand(['nowhere', '-p', '80', '--wait', '50ms', '--json'])
    expect(alone.exit).toBe(69)
    expect(JSON.parse(alone.stdout)).toMatchObject({ complete: false, unresolved: ['nowhere'], hosts: [] })
    const beside = await runScanCommand(['nowhere', '127.0.0.1', '-p', '80', '--wait', '50ms'], {
      answer: openPorts(80),
    })
    expect(beside.exit).toBe(1)
  })

  test('any address of a name that is open is enough, unless all are asked for', async () => {
    const run = (...words: string[]) =>
      runScanCommand(['db', '-p', '80', ...words], {
        answer: (address) => (address === '127.0.0.1' ? open : {}),
        names: { db: ['::1', '127.0.0.1'] },
      }).then(({ exit }) => exit)
    expect(await run('--wait', '50ms')).toBe(0)
    expect(await run('--wait', '50ms', '--all-addresses')).toBe(1)
    expect(await run('--wait', '50ms', '--no-any-address')).toBe(1)
    expect(await run('--expect', '80')).toBe(1)
    expect(await run('--expect', '80', '--any-address')).toBe(0)
    // An address that was typed as such must be open itself.
    expect(await run('::1', '--wait', '50ms')).toBe(1)
    await expect(run('--any-address', '--all-addresses')).rejects.toMatchObject({ exit: 64 })
  })

  test('for too much is refused', async () => {
    await expect(runScanCommand(['127.0.0.0/24', '-p', '1-1000', '--wait'])).rejects.toMatchObject({ exit: 64 })
  })
})
