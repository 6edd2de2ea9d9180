import { spawnSync } from 'node:child_process'
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

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('a scan that the processor holds up has threads of its own (needs /proc)', async () => {
  // Far more than is needed: it is stopped as soon as the threads are seen.
  await using netlab = startNetlab(['scan', '127.0.0.0/16', '--threads', '64', '--yes', '--json', '-q'])
  await turnUntil(() => threadNames(netlab.process.pid).includes('scan-1'))
  const { stdout, exitCode } = await netlab.stop('SIGINT')
  expect(exitCode).toBe(130)
  expect(JSON.parse(stdout).threads).toBeGreaterThanOrEqual(1)
})
