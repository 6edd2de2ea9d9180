import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { openPorts, runScanCommand } from '../support/scan-context.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder()
const list = (name: string, text: string | Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('what to scan', () => {
  test.each([
    [['127.0.0.1'], ['127.0.0.1']],
    [
      ['127.0.0.1', '127.0.0.3,127.0.0.2'],
      ['127.0.0.1', '127.0.0.2', '127.0.0.3'],
    ],
    [
      ['127.0.0.0/30', '--exclude', '127.0.0.0,127.0.0.3'],
      ['127.0.0.1', '127.0.0.2'],
    ],
    [
      ['127.0.0.1-2', '::1'],
      ['127.0.0.1', '127.0.0.2', '::1'],
    ],
    [['one'], ['10.0.0.1']],
    [['two'], ['10.0.0.2']],
    [
      ['two', '--all-addresses'],
      ['10.0.0.2', '10.0.0.3'],
    ],
    [
      ['10.0.0.0/29', '--exclude', 'two'],
      ['10.0.0.0', '10.0.0.1', '10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.7'],
    ],
    [[`@${list('hosts', '# ours\n10.0.0.9\n\n10.0.0.8 # spare\n')}`], ['10.0.0.8', '10.0.0.9']],
    [[`@${list('powershell', Buffer.from('\uFEFF10.0.0.7\r\n10.0.0.6\r\n', 'utf16le'))}`], ['10.0.0.6', '10.0.0.7']],
    [['-'], ['10.0.0.5']],
  ])('%j', async (words, hosts) => {
    const names = { one: ['10.0.0.1'], two: ['10.0.0.2', '10.0.0.3'] }
    const { plans } = await runScanCommand([...words, '-p', '80'], { names, stdin: '10.0.0.5\n' })
    expect(plans.flatMap((plan) => plan.hosts)).toEqual(hosts)
  })

  test('a name with several addresses and a network with host bits are told on stderr', async () => {
    const { stderr } = await runScanCommand(['two', '10.9.9.9/31', '-p', '80'], { names: { two: ['10.0.0.2', '::2'] } })
    expect(stderr).toContain('10.9.9.9/31 has bits set behind its prefix; scanning the network 10.9.9.8/31\n')
    expect(stderr).toContain('two has 2 addresses; scanning 10.0.0.2 only (--all-addresses for all)\n')
  })

  test('without a target, and nobody to ask', async () => {
    await expect(runScanCommand([])).rejects.toMatchObject({ exit: 64, message: 'what to scan is missing' })
  })

  test('a question answered with its default is localhost', async () => {
    const { plans } = await runScanCommand(['-p', '80'], { columns: 80, names: { localhost: ['127.0.0.1'] } })
    expect(plans.map(({ hosts }) => hosts)).toEqual([['127.0.0.1']])
  })

  test.each([
    [['nowhere'], 69, 'nowhere could not be resolved (ENOTFOUND)'],
    [['nowhere', 'neither'], 69, 'nowhere could not be resolved (ENOTFOUND), and 1 more'],
    [['127.0.0.1', '--exclude', 'nowhere'], 69, "nowhere could not be resolved (ENOTFOUND), so it can't be excluded"],
    [['127.0.0.1', '--exclude', '127.0.0.0/8'], 64, 'nothing is left to scan: --exclude covers every target'],
    [['fe80::1%eth7'], 69, '"fe80::1%eth7": this system has no link "eth7" in use'],
    [['-'], 64, 'there is no target in what was given'],
    [['127.0.0.5-1'], 64, '--targets: "127.0.0.5-1" runs backwards'],
    [['127.0.0.1', '-p', '100-50'], 64, '--ports: "100-50" runs backwards'],
    [['127.0.0.1', '-p', '70000'], 64, '--ports: port 70000 is not between 1 and 65535'],
    [['127.0.0.1', '-p', '80', '--exclude-ports', '1-100'], 64, 'no port is left to scan'],
    [['127.0.0.1', '-p', '80', '--top', '5'], 64, '--ports and --top both say which ports'],
    [['127.0.0.1', '--top', '0'], 64, '--top: 0 is not between'],
    [['127.0.0.1', '--json', '--csv'], 64, '--json and --csv are different formats'],
    [['127.0.0.1', '-p', '80', '--expect', '81'], 64, 'port 81 is expected to be open, but is not among the ports'],
    [['127.0.0.1', '--wait'], 64, '--wait needs to know which ports to wait for'],
    [['127.0.0.1', '-p', '80', '--wait', '--resume', 'x'], 64, '--wait begins anew each time'],
    [['127.0.0.1', '--timeout', '0'], 64, '--timeout: "0" is no time at all'],
    [['127.0.0.1', '--show', 'ajar'], 64, '--show: "ajar" is none of open, filtered, closed'],
    [
      ['127.0.0.1', '-p', '80', '-o', '/nowhere/at/all'],
      74,
      "can't write /nowhere/at/all: there is no such file or folder",
    ],
    [['127.0.0.1', '-p', '80', '-o', folder], 74, 'it is a directory'],
    [['127.0.0.1', '-p', '80', '-o', '/dev/null/x'], 74, 'its folder is a file'],
    [['127.0.0.1', '-p', '80', '-o', '/nowhere/x.jsonl'], 74, 'there is no such file or folder'],
    [['127.0.0.1', '-p', '80', '--resume', folder], 74, 'it is a directory'],
    [
      ['127.0.0.1', '-p', '80', '--resume', '/nowhere/at/all'],
      74,
      "can't write /nowhere/at/all: there is no such file or folder",
    ],
    [['@/nowhere/at/all'], 64, "can't read targets from /nowhere/at/all: there is no such file or folder"],
  ])('%j ends with %i and a sentence', async (words, exit, message) => {
    await expect(runScanCommand(words)).rejects.toMatchObject({ exit, message: expect.stringContaining(message) })
  })

  test('nonsense in a file is named with its line', async () => {
    const path = list('bad', '10.0.0.1\n# fine\n\n10.0.0.300\n')
    await expect(runScanCommand([`@${path}`])).rejects.toMatchObject({
      exit: 64,
      message: `${path}, line 4: "10.0.0.300" is neither a host name nor an IP address`,
    })
  })

  test('one name of several without an address: the others are scanned, and the result is not complete', async () => {
    const { exit, stdout, stderr } = await runScanCommand(['nowhere', '127.0.0.1', '-p', '80', '--json'], {
      answer: openPorts(80),
    })
    expect(exit).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      complete: false,
      unresolved: ['nowhere'],
      notes: ['nowhere could not be resolved (ENOTFOUND)'],
      hosts: [{ address: '127.0.0.1' }],
    })
    expect(stderr).toContain('nowhere could not be resolved (ENOTFOUND)\n')
  })

  test('a name without an address is missing where it was expected to be open, and alone it is exit 69', async () => {
    const expected = await runScanCommand(['nowhere', '127.0.0.1', '--expect', '80'], { answer: openPorts(80) })
    expect(expected).toMatchObject({ exit: 1 })
    expect(expected.stderr).toContain('1 of the 2 ports expected to be open are not\n')
    await expect(runScanCommand(['nowhere', 'nobody'])).rejects.toMatchObject({
      exit: 69,
      message: 'nowhere could not be resolved (ENOTFOUND), and 1 more',
    })
  })

  test('of ten thousand names half are dead: some are told by name, and JSON has all', async () => {
    const words = Array.from({ length: 10_000 }, (_, index) => `${index % 2 === 0 ? 'up' : 'dead'}${index}`)
    const { stdout, stderr } = await runScanCommand(['-', '-p', '80', '--json'], {
      answer: openPorts(80),
      stdin: words.join('\n'),
      names: (name) => (name.startsWith('up') ? ['127.0.0.1'] : undefined),
    })
    const { unresolved, hosts } = JSON.parse(stdout)
    expect([unresolved.length, hosts[0].names.length]).toEqual([5_000, 5_000])
    expect(stderr.match(/could not be resolved \(/g)).toHaveLength(40)
    expect(stderr).toContain('4,980 more names could not be resolved\n')
  })
})

describe('HOST:PORT', () => {
  const asked = async (...words: string[]) => {
    const names = { db: ['10.0.0.5'], localhost: ['127.0.0.1'] }
    const { plans } = await runScanCommand(words, { answer: () => undefined, names })
    return plans.flatMap(({ hosts, plan }) =>
      hosts.map((address) => `${address} ${(plan.portsOf?.({ address, family: 4 }) ?? plan.ports).join()}`),
    )
  }

  test.each([
    [
      ['localhost:22', '[::1]:80', 'db:5432'],
      ['10.0.0.5 5432', '127.0.0.1 22', '::1 80'],
    ],
    [
      ['db:5432', '10.0.0.1', '-p', '80,443'],
      ['10.0.0.1 80,443', '10.0.0.5 5432'],
    ],
    [['db:5432', 'db', '-p', '80'], ['10.0.0.5 80,5432']],
    [
      ['db:5432', '10.0.0.5:22', '10.0.0.4-6', '-p', '80'],
      ['10.0.0.4 80', '10.0.0.5 22,80,5432', '10.0.0.6 80'],
    ],
    [
      ['db:5432', 'localhost:22', '-p', '80'],
      ['10.0.0.5 80,5432', '127.0.0.1 22,80'],
    ],
    [['db:5432,localhost:https'], ['10.0.0.5 5432', '127.0.0.1 443']],
    [['db:5430-5432', '--exclude-ports', '5431'], ['10.0.0.5 5430,5432']],
    [['db:5432', '10.0.0.1:22', '--exclude', 'db'], ['10.0.0.1 22']],
  ])('%j', async (words, expected) => expect(await asked(...words)).toEqual(expected))

  test('is counted and expected where it belongs', async () => {
    const words = ['127.0.0.1:22', '127.0.0.2:80', '--json', '--show', 'all']
    const one = await runScanCommand([...words, '--expect', '22'], { answer: openPorts(22) })
    expect(JSON.parse(one.stdout)).toMatchObject({ complete: true, ports: expect.any(String), portTotal: 2 })
    expect(one.stderr).toContain('2 ports of 2 addresses together in')
    expect(one.exit).toBe(0)
    const both = await runScanCommand([...words, '--wait', '50ms'], { answer: openPorts(22) })
    expect(both.exit).toBe(1)
    await expect(runScanCommand([...words, '--expect', '443'])).rejects.toMatchObject({ exit: 64 })
  })

  test('is kept where a scan is interrupted, and goes on with what is left', async () => {
    const path = join(temporaryFolder(), 'pairs.state')
    const words = ['127.0.0.1:20-40', '127.0.0.2:80', '--resume', path, '--json', '--show', 'all']
    const first = await runScanCommand(words, { afterEach: (done, { interrupt }) => void (done === 10 && interrupt()) })
    expect(first.exit).toBe(130)
    const { plans, stdout } = await runScanCommand(words, { answer: openPorts(20) })
    expect(plans.map(({ plan }) => plan.portTotal)).toEqual([12])
    expect(JSON.parse(stdout)).toMatchObject({ complete: true, portTotal: 22, notScanned: 0 })
  })

  test('cannot be left out', async () => {
    await expect(runScanCommand(['db', '--exclude', 'db:80'])).rejects.toMatchObject({
      exit: 64,
      hint: 'leave ports out with --exclude-ports',
    })
  })
})

describe('which ports', () => {
  const portsOf = async (...words: string[]) => {
    const { plans } = await runScanCommand(['127.0.0.1', ...words], { answer: () => undefined })
    return plans[0]?.plan.ports
  }

  test('lists, services, the likeliest, and what is left out', async () => {
    expect(await portsOf('-p', '443,22', '-p', '80,http')).toEqual([22, 80, 443])
    expect(await portsOf('-p=-3')).toEqual([1, 2, 3])
    expect(await portsOf('--top', '5')).toEqual([22, 80, 443, 8080, 8443])
    expect(await portsOf('-p', '1-10', '--exclude-ports', '2-9')).toEqual([1, 10])
    expect(await portsOf('--expect', '22,80')).toEqual([22, 80])
  })

  test('pacing by hand goes to the scanner, and nothing else does', async () => {
    const words = ['--rate', '100', '--timeout', '250ms', '--retries', '0', '--concurrency', '7', '--threads', '3']
    const { plans } = await runScanCommand(['127.0.0.1', '-p', '80', ...words, '--engine', 'net', '--banner'])
    expect(plans[0]?.plan).toMatchObject({
      hostCount: 1,
      rate: 100,
      timeoutMs: 250,
      retries: 0,
      concurrency: 7,
      threads: 3,
      engine: 'net',
      banner: true,
    })
    const patient = await runScanCommand(['127.0.0.1', '-p', '80', '--banner-timeout', '5s', '--stop-at-tarpit'])
    expect(patient.plans[0]?.plan).toMatchObject({ banner: true, bannerMs: 5000, stopAtTarpit: true })
    const plain = await runScanCommand(['127.0.0.1', '-p', '80'])
    expect(plain.plans[0]?.plan.rate).toBeUndefined()
    expect(plain.plans[0]?.plan.engine).toBeUndefined()
    expect(plain.plans[0]?.plan.threads).toBeUndefined()
  })
})

describe('large and public scans', () => {
  const many = ['127.0.0.0/19', '-p', '80']
  test('need --yes where nobody can be asked', async () => {
    await expect(runScanCommand(many)).rejects.toMatchObject({
      exit: 64,
      message: 'this scan covers 8,192 addresses',
      hint: expect.stringContaining('--yes'),
    })
    await expect(runScanCommand(['192.0.3.1'])).rejects.toMatchObject({
      exit: 64,
      message: 'this scan covers all ports of 1 address on the public Internet',
    })
  })

  test('go on with --yes', async () => {
    const { plans } = await runScanCommand([...many, '--yes'], { answer: () => undefined })
    expect(plans[0]?.plan.hostCount).toBe(8192)
  })
})
