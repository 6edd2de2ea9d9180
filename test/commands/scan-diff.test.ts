import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type Answer, type FakeRun, open, openPorts, runScanCommand } from '../support/scan-context.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const words = ['127.0.0.1-2', '-p', '20-90']

/** The file of a scan. */
async function scanned(answer: Answer, more: readonly string[] = [], run: FakeRun = {}): Promise<string> {
  const path = join(temporaryFolder(), 'scan.json')
  await runScanCommand([...(more[0]?.startsWith('1') === true ? [] : words), ...more, '-o', path], { answer, ...run })
  return path
}

const diff = (...more: string[]) => runScanCommand(['--diff', ...more])

function edited(path: string, change: (document: Record<string, unknown>) => unknown): string {
  const document = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify(change(document) ?? document))
  return path
}

describe('two reports', () => {
  test('of the same are the same', async () => {
    const [old, latest] = [await scanned(openPorts(22)), await scanned(openPorts(22))]
    const { exit, stdout, stderr } = await diff(old, latest)
    expect([exit, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^nothing changed between /)
  })

  test('what opened, closed, appeared, vanished and says something else', async () => {
    const says = (banner: string) => ({ ...open, banner: Buffer.from(banner) })
    const old = await scanned((address, port) => {
      if (address.endsWith('1')) return port === 22 ? says('SSH-1') : port === 80 ? open : {}
      return {}
    })
    const latest = await scanned((address, port) => {
      if (address.endsWith('1')) return port === 22 ? says('SSH-2') : port === 25 ? open : {}
      return port === 80 ? open : {}
    })
    const there = await diff(old, latest)
    expect(there.exit).toBe(1)
    expect(there.stdout).toBe(
      'Port 22 changed on 127.0.0.1 (ssh): "SSH-1" before, "SSH-2" now\n' +
        'Port 25 opened on 127.0.0.1 (smtp)\n' +
        'Port 80 closed on 127.0.0.1 (http)\n' +
        'Host 127.0.0.2 appeared\n' +
        'Port 80 opened on 127.0.0.2 (http)\n',
    )
    expect(there.stderr).toMatch(/^2 ports opened, 1 port closed, 1 port with another banner, 1 host appeared between /)
    const back = await diff(latest, old, '--json')
    expect(back.exit).toBe(1)
    expect(JSON.parse(back.stdout)).toMatchObject({
      format: 'netlab-scan-diff',
      version: 1,
      same: false,
      counts: { opened: 1, closed: 2, banner: 1, state: 0, appeared: 0, vanished: 1 },
      hosts: [
        { address: '127.0.0.1', change: 'changed' },
        { address: '127.0.0.2', change: 'vanished', ports: [{ port: 80, change: 'closed', old: { state: 'open' } }] },
      ],
    })
  })

  test('a closed port that is listed, and one that is filtered now', async () => {
    const old = await scanned((_, port) => (port === 22 ? open : {}), ['--show', 'all'])
    const latest = await scanned(
      (_, port) => (port === 22 ? {} : port === 23 ? { state: 'filtered', reason: 'no-answer' } : {}),
      ['--show', 'all'],
    )
    const { stdout } = await diff(old, latest)
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      'Host 127.0.0.1 vanished',
      'Port 22 closed on 127.0.0.1 (ssh): closed, refused',
      'Port 23 changed on 127.0.0.1 (telnet): closed before, filtered now',
    ])
  })

  test('a banner that only one of the scans asked for has not changed', async () => {
    const old = await scanned(() => ({ ...open, banner: Buffer.from('hello') }))
    expect(await diff(old, await scanned(() => open))).toMatchObject({ exit: 0, stdout: '' })
  })

  test('a port in doubt has neither closed nor opened', async () => {
    const whole = await scanned(openPorts(22, 80))
    // The fake scanner begins at the last port of the last host.
    const part = await scanned(openPorts(22, 80), [], {
      afterEach: (done, { interrupt }) => void (done === 60 && interrupt()),
    })
    const lost = await scanned(
      (_, port) => (port === 22 ? { state: 'error', reason: 'EMFILE' } : port === 80 ? open : {}),
      ['--show', 'all'],
    )
    for (const one of [part, lost]) {
      for (const [old, latest] of [
        [whole, one],
        [one, whole],
      ] as const) {
        const { exit, stdout, stderr } = await diff(old, latest)
        expect([exit, stdout]).toEqual([0, ''])
        expect(stderr).toMatch(/ports? open in one of the scans (is|are) in doubt in the other, and not compared\n/)
      }
    }
    expect(JSON.parse((await diff(whole, lost, '--json')).stdout)).toMatchObject({
      same: true,
      inDoubt: [
        { address: '127.0.0.1', port: 22, in: 'new' },
        { address: '127.0.0.2', port: 22, in: 'new' },
      ],
    })
  })

  test('of a scan that is not complete, hosts with evidence of their own can be told', async () => {
    const old = await scanned(openPorts(22))
    const latest = edited(await scanned(openPorts(80)), (document) => {
      document.complete = false
      const hosts = document.hosts as Record<string, unknown>[]
      const [one, two] = hosts
      document.hosts = [
        { ...one, evidence: { silent: 1 } },
        { ...two, evidence: { silent: 1, doubt: 'lossy' } },
      ]
    })
    const { stdout } = await diff(old, latest)
    expect(stdout.match(/closed on \S+/g)).toEqual(['closed on 127.0.0.1'])
    expect(stdout.match(/opened on \S+/g)).toEqual(['opened on 127.0.0.1', 'opened on 127.0.0.2'])
  })

  test('of different plans: only what both scanned is compared', async () => {
    const old = await scanned(openPorts(22, 80))
    const fewer = await scanned(openPorts(22, 443), ['127.0.0.1', '-p', '22,443'])
    const { exit, stdout, stderr } = await diff(old, fewer)
    expect([exit, stdout]).toEqual([0, ''])
    expect(stderr).toContain(
      'the scans have different targets (127.0.0.1-127.0.0.2; 127.0.0.1) and ports (20-90; 22,443)',
    )
    const other = await scanned(openPorts(22), ['10.0.0.1', '-p', '22'])
    await expect(diff(old, other)).rejects.toMatchObject({
      exit: 64,
      message: expect.stringContaining('no address in common'),
    })
    const elsewhere = await scanned(openPorts(443), ['127.0.0.1', '-p', '443'])
    await expect(diff(old, elsewhere)).rejects.toMatchObject({ message: expect.stringContaining('no port in common') })
  })

  test('text from a file reaches the terminal harmless', async () => {
    const old = await scanned(openPorts(22))
    const latest = edited(await scanned(openPorts(22, 23)), (document) => {
      for (const host of document.hosts as Record<string, unknown>[]) host.name = '\x1b[31m\u202ex'
    })
    expect((await diff(old, latest)).stdout).toMatch(/^[\n\x20-\x7e]+$/)
  })

  test('is written to a file, whose ending tells the format', async () => {
    const [old, latest] = [await scanned(openPorts(22)), await scanned(openPorts(23))]
    const path = join(temporaryFolder(), 'diff.json')
    expect(await diff(old, latest, '-o', path)).toMatchObject({ exit: 1, stdout: '' })
    expect(JSON.parse(readFileSync(path, 'utf8')).same).toBe(false)
    await expect(diff(old, latest, '--csv')).rejects.toMatchObject({ exit: 64 })
    await expect(diff(old, latest, '127.0.0.1')).rejects.toMatchObject({ exit: 64 })
  })
})

describe('a report and a scan that is made now', () => {
  test('of the same targets, ports, states and banners', async () => {
    const old = await scanned(openPorts(22), ['--show', 'filtered'])
    const same = await runScanCommand(['--diff', old, '-q'], { answer: openPorts(22) })
    expect(same).toMatchObject({ exit: 0, stdout: '' })
    expect(same.plans.map(({ hosts, plan }) => [hosts, plan.ports.length])).toEqual([[['127.0.0.1', '127.0.0.2'], 71]])
    const other = await runScanCommand(['--diff', old, '-q'], { answer: openPorts(22, 25) })
    expect(other.exit).toBe(1)
    expect(other.stdout.match(/Port 25 opened/g)).toHaveLength(2)
  })

  test('of what is named', async () => {
    const old = await scanned(openPorts(22))
    const { exit, stdout, plans } = await runScanCommand(['--diff', old, '127.0.0.2', '-p', '22,23'])
    expect([exit, stdout]).toEqual([1, 'Host 127.0.0.2 vanished\nPort 22 closed on 127.0.0.2 (ssh)\n'])
    expect(plans).toHaveLength(1)
  })

  test('that was interrupted says nothing of what it did not see', async () => {
    const old = await scanned(openPorts(22))
    const { exit, stdout } = await runScanCommand(['--diff', old], {
      afterEach: (done, { interrupt }) => void (done === 60 && interrupt()),
    })
    expect([exit, stdout]).toEqual([130, ''])
  })
})

describe('a file that is no report', () => {
  const lines = '{"type":"result","address":"127.0.0.1"}\n'
  test.each([
    ['empty', '', 'is empty'],
    ['text', 'Port 22 open (ssh)\n', 'is not JSON'],
    ['JSON Lines', `${lines}${lines}`, 'is JSON Lines'],
    ['null', 'null', 'is not a report of netlab scan'],
    ['a list', '[]', 'is not a report of netlab scan'],
    ['something else', '{"format":"other"}', 'is not a report of netlab scan'],
    ['a later version', '{"format":"netlab-scan","version":2}', 'is of version 2 of the format; this netlab reads 1'],
    ['no version', '{"format":"netlab-scan"}', 'is of version none of the format'],
    ['nothing but its head', '{"format":"netlab-scan","version":1}', 'is damaged: startedAt is no time'],
  ])('%s', async (_, content, sentence) => {
    const good = await scanned(openPorts(22))
    const bad = join(temporaryFolder(), 'bad one.json')
    writeFileSync(bad, content)
    for (const files of [[bad, good], [good, bad], [bad]]) {
      await expect(diff(...files)).rejects.toMatchObject({
        exit: 74,
        message: expect.stringContaining(`${bad} ${sentence}`),
      })
    }
  })

  test.each<[string, Record<string, unknown>]>([
    ['complete is missing', { complete: undefined }],
    ['targets has something else', { targets: 'nowhere.example' }],
    ['shown is no list of states', { shown: ['ajar'] }],
    ['notScanned is no count', { notScanned: -1 }],
    ['counts is missing', { counts: undefined }],
    ['a host has no address', { hosts: [{ address: 'x', ports: [] }] }],
    ['is there twice', { hosts: [1, 2].map(() => ({ address: '::1', ports: [] })) }],
    ['is no port of', { hosts: [{ address: '::1', ports: [{ port: 0 }] }] }],
    ['has no state', { hosts: [{ address: '::1', ports: [{ port: 1, state: 1 }] }] }],
  ])('a damaged one: %s', async (sentence, patch) => {
    const good = await scanned(openPorts(22))
    const bad = edited(await scanned(openPorts(22)), (document) => ({ ...document, ...patch }))
    await expect(diff(good, bad)).rejects.toMatchObject({ exit: 74, message: expect.stringContaining(sentence) })
  })

  test('a folder, and what is not there', async () => {
    const good = await scanned(openPorts(22))
    await expect(diff(temporaryFolder(), good)).rejects.toMatchObject({
      exit: 74,
      message: expect.stringContaining('it is a directory'),
    })
    await expect(diff(good, '/nowhere/x.json')).rejects.toMatchObject({
      exit: 74,
      message: "can't read /nowhere/x.json: there is no such file or folder",
    })
    await expect(diff('/nowhere/x.json')).rejects.toMatchObject({ exit: 74 })
  })
})
