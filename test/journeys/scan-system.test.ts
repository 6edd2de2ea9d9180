import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { turnUntil } from '../support/event-loop.ts'
import { executable } from '../support/executable.ts'
import { runNetlab, startNetlab } from '../support/run-netlab.ts'
import { threadNames } from '../support/thread-names.ts'

/** Loopback of a new network namespace, with source ports from the given range. */
function inNamespace(range: string, command: string): string[] {
  const setUp = `ip link set lo up && echo '${range}' > /proc/sys/net/ipv4/ip_local_port_range`
  return ['-rn', 'sh', '-c', `${setUp} && exec ${command}`]
}

/** A new network namespace in which `setUp` was run first. */
function alone(setUp: readonly string[], args: readonly string[]): string[] {
  const scan = ['scan', ...args].map((word) => `'${word}'`).join(' ')
  return ['-rn', 'sh', '-ec', ['ip link set lo up', ...setUp, `exec "${executable}" ${scan}`].join('\n')]
}

/** Why a namespace can't be made in which these commands succeed; undefined where it can. */
function obstacle(...setUp: readonly string[]): string | undefined {
  const tried = spawnSync('unshare', ['-rn', 'sh', '-ec', setUp.join('\n')], { encoding: 'utf8' })
  return tried.status === 0 ? undefined : (tried.stderr?.trim().split('\n')[0] ?? tried.error?.message)
}

const canUnshare = spawnSync('unshare', inNamespace('40000 40031', 'true')).status === 0
const namespaced = canUnshare ? describe : describe.skip

namespaced('in a network namespace (needs unshare, iproute2 and the right to make one)', () => {
  test('an unreachable network is told as what it is', async () => {
    const words = ['-rn', executable, 'scan', '192.0.2.1', '-p', '22,80', '--json', '--show', 'unreachable']
    const { stdout, stderr, exitCode } = await runNetlab(words, { program: 'unshare' })
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      complete: true,
      counts: { unreachable: { 'network-unreachable': 2 } },
      notScanned: 0,
    })
    expect(stderr).toContain('2 unreachable (network-unreachable)')
  })

  // With a single source port every connect to that port meets itself; with sixteen it does now and then.
  test.each(['net', 'auto'])('a connect to itself is never an open port (--engine %s)', async (engine) => {
    const scan = `"${executable}" scan 127.0.0.1 --engine ${engine} --json -p`
    const always = await runNetlab(inNamespace('40000 40000', `${scan} 40000`), { program: 'unshare' })
    expect(always.stderr).toContain('A connect to port 40000 reached its own socket; the port is probed again')
    expect(JSON.parse(always.stdout)).toMatchObject({ complete: false, counts: { error: { SELF_CONNECT: 1 } } })
    const sometimes = await runNetlab(inNamespace('40000 40031', `${scan} 40000-40031`), { program: 'unshare' })
    expect(JSON.parse(sometimes.stdout)).toMatchObject({ complete: true, counts: { closed: { refused: 32 } } })
  })
})

const families = existsSync('/proc/net/if_inet6') ? ['127.0.0.1', '::1'] : ['127.0.0.1']
const engines = ['net', 'libc']
const everywhere = engines.flatMap((engine) => families.map((address) => [engine, address] as const))

/** How a firewall refuses a port, and what a scan says of it over IPv4 and IPv6: Linux tells no more than that. */
const refusals: readonly (readonly [port: number, how: string, v4: string, v6: string])[] = [
  [4001, 'with tcp reset', 'closed refused', 'closed refused'],
  [4002, 'with icmpx type port-unreachable', 'closed refused', 'closed refused'],
  [4003, 'with icmpx type host-unreachable', 'unreachable host-unreachable', 'unreachable host-unreachable'],
  [4004, 'with icmpx type no-route', 'unreachable network-unreachable', 'unreachable network-unreachable'],
  [4005, 'with icmpx type admin-prohibited', 'unreachable host-unreachable', 'filtered admin-prohibited'],
]

const rules = refusals.map(([port, how]) => `tcp dport ${port} reject ${how};`).join(' ')
const firewall = `echo 'table inet t { chain i { type filter hook input priority 0; ${rules} tcp dport 4006 drop; }; }' | nft -f -`
const noFirewall = obstacle('ip link set lo up', firewall)

interface PortLine {
  readonly address: string
  readonly port: number
  readonly state: string
  readonly reason: string
  readonly attempts: number
}

/** Ascending, however they came. */
function portLines(stdout: string): PortLine[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'result')
    .toSorted((a, b) => a.address.localeCompare(b.address) || a.port - b.port)
}

if (noFirewall === undefined) {
  test.each(everywhere)('a refusal that came during connect() was lost: %s, %s', async (engine, address) => {
    const args = [address, '-p', '4000-4006', '--engine', engine, '--jsonl', '--show', 'all', '-q']
    const { stdout } = await runNetlab(alone([firewall], args), { program: 'unshare' })
    const expected = refusals.map(([port, , v4, v6]) => [port, address.includes(':') ? v6 : v4])
    const said = portLines(stdout).map(({ port, state, reason }) => [port, `${state} ${reason}`] as const)
    expect(said).toEqual([[4000, 'closed refused'], ...expected, [4006, 'filtered no-answer']])
  })
} else test.skip(`refusals of a firewall (no nft in a namespace of its own: ${noFirewall})`, () => undefined)

const routes = [
  ['blackhole', 'unreachable network-unreachable'],
  ['prohibit', 'filtered admin-prohibited'],
  ['unreachable', 'unreachable host-unreachable'],
  ['throw', 'unreachable network-unreachable'],
] as const
const noRoutes = obstacle('ip link set lo up', 'ip route add blackhole 198.51.100.1')

if (noRoutes === undefined) {
  test.each(engines)(
    'a route that leads nowhere is an answer, once, and no fault of ours (EINVAL): %s',
    async (engine) => {
      const setUp = routes.map(([kind], index) => `ip route add ${kind} 198.51.100.${index + 1}`)
      const args = ['198.51.100.1-4', '-p', '80', '--engine', engine, '--jsonl', '--show', 'all', '-q']
      const { stdout, stderr } = await runNetlab(alone(setUp, args), { program: 'unshare' })
      expect(stderr).toBe('')
      expect(portLines(stdout).map(({ state, reason }) => `${state} ${reason}`)).toEqual(routes.map(([, said]) => said))
      expect(portLines(stdout).every(({ attempts }) => attempts === 1)).toBe(true)
    },
  )
} else test.skip(`routes that lead nowhere (none can be made here: ${noRoutes})`, () => undefined)

const disable = 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6'
const noSwitch = obstacle('ip link set lo up', disable)

if (noSwitch === undefined) {
  test.each(engines)(
    'without IPv6 a scan of ::1 waited for local ports to get free (EADDRNOTAVAIL): %s',
    async (engine) => {
      const args = ['::1', '2001:db8::1', '127.0.0.1', '-p', '1-300', '--engine', engine, '--jsonl', '-q']
      const { stdout } = await runNetlab(alone([disable], args), { program: 'unshare' })
      expect(JSON.parse(stdout)).toMatchObject({
        complete: true,
        counts: { unreachable: { 'network-unreachable': 600 }, closed: { refused: 300 } },
      })
    },
  )
} else test.skip(`without IPv6 (it can't be switched off here: ${noSwitch})`, () => undefined)

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('a scan that the processor holds up has threads of its own (needs /proc)', async () => {
  // Far more than is needed: it is stopped as soon as the threads are seen.
  await using netlab = startNetlab(['scan', '127.0.0.0/16', '--threads', '64', '--yes', '--json', '-q'])
  await turnUntil(() => threadNames(netlab.process.pid).includes('scan-1'))
  const { stdout, exitCode } = await netlab.stop('SIGINT')
  expect(exitCode).toBe(130)
  expect(JSON.parse(stdout).threads).toBeGreaterThanOrEqual(1)
})
