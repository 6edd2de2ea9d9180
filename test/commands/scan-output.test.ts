import { closeSync, fstatSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Clock } from '../../src/base/clock.ts'
import { outputFormats } from '../../src/scan/report/formats.ts'
import type { PortResult } from '../../src/scan/types.ts'
import { type Answer, open, openPorts, runScanCommand } from '../support/scan-context.ts'
import { readers } from '../support/scan-formats.ts'
import { aReport } from '../support/scan-report.ts'
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

  test.each(format.extensions)('goes to a file that ends in .%s, as to standard output', async (extension) => {
    const path = join(temporaryFolder(), `scan.${extension.toUpperCase()}`)
    const { stdout } = await runScanCommand(['127.0.0.1-2', '-p', '22', '-o', path], { answer })
    expect(stdout).toBe('')
    expect(read(readFileSync(path, 'utf8')).ports).toHaveLength(2)
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
