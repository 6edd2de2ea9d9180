import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { executable } from '../support/executable.ts'
import { type Finished, runNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/*
 * Names as a real name server tells them: a network and mount namespace with its own /etc/resolv.conf and /etc/hosts, and the
 * server of test/support/with-names.ts in it.
 */

const withNames = join(import.meta.dirname, '../support/with-names.ts')

const setUp = `ip link set lo up
mount --bind "$FILES/resolv.conf" /etc/resolv.conf
mount --bind "$FILES/hosts" /etc/hosts`

function files(): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\nsearch never.test example.test\n')
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost twice\n::1 localhost\n127.0.0.9 twice\n')
  return folder
}

const tried = spawnSync('unshare', ['-rnm', 'sh', '-ec', setUp], {
  encoding: 'utf8',
  env: { ...process.env, FILES: files() },
})
const obstacle = tried.status === 0 ? undefined : (tried.stderr?.trim().split('\n')[0] ?? tried.error?.message)

/** Scans there; `listen`: `ADDRESS:PORT` of servers that are there, too. */
function scan(args: readonly string[], listen = '127.0.0.1:8080', stdin = ''): Promise<Finished> {
  const run = `exec "${process.execPath}" --disable-warning=ExperimentalWarning "${withNames}" "${executable}" scan "$@"`
  return runNetlab(['-rnm', 'sh', '-ec', `${setUp}\n${run}`, 'sh', ...args], {
    program: 'unshare',
    env: { FILES: files(), NAMES_LISTEN: listen },
    stdin,
  })
}

const json = ['--json', '-p', '8080']

function define(): void {
  test('two names whose DNS is silent made six healthy ones "not resolvable"', async () => {
    const healthy = Array.from({ length: 6 }, (_, index) => `ok${index}`)
    const { stdout, exitCode } = await scan(['silent1', 'silent2', ...healthy, ...json])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      complete: false,
      unresolved: ['silent1', 'silent2'],
      hosts: [{ address: '127.0.0.1', name: 'ok0', names: healthy, ports: [{ state: 'open' }] }],
    })
  })

  test('a server that answers after nine seconds, 200 addresses, a loop of names, and a hosts file with a name twice', async () => {
    const words = ['slow9000.example', 'many.example', 'loop.example', 'twice', 'bücher.example', '--all-addresses']
    const { stdout } = await scan([...words, ...json], '127.0.1.200:8080,127.0.0.9:8080')
    const { hostCount, unresolved, hosts } = JSON.parse(stdout)
    // 127.0.0.1 by three names, twice's other address, and the 200.
    expect([hostCount, unresolved]).toEqual([202, ['loop.example']])
    expect(hosts.map(({ address, names }: { address: string; names: string[] }) => [address, names])).toEqual([
      ['127.0.0.9', ['twice']],
      ['127.0.1.200', ['many.example']],
    ])
  })

  test('ten thousand names, half of them dead', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `${index % 2 === 0 ? 'ok' : 'dead'}${index}.example`)
    const { stdout } = await scan(['-', ...json], '127.0.0.1:8080', names.join('\n'))
    const { unresolved, hosts } = JSON.parse(stdout)
    expect([unresolved.length, hosts[0].names.length]).toEqual([5_000, 5_000])
  })

  test('--wait for a name that appears, and one of whose addresses one is open', async () => {
    const { stdout, exitCode } = await scan(['late2000.example', 'six.example', '--wait', '60s', ...json])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ complete: true, unresolved: [], counts: { open: { connected: 1 } } })
  })

  test('no name at all: exit 69', async () => {
    const { stdout, stderr, exitCode } = await scan(['dead1', 'dead2.example', '-p', '8080'])
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 69 })
    expect(stderr).toContain('dead1 could not be resolved (ENOTFOUND), and 1 more')
  })
}

if (obstacle === undefined) describe('names that a name server tells', define)
else test.skip(`names that a name server tells (no namespaces for one here: ${obstacle})`, () => undefined)
