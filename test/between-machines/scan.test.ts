import { beforeAll, expect, test } from '@jest/globals'
import { betweenMachines, families, portOf } from '../support/machines.ts'

interface Line {
  readonly type: string
  readonly state?: string
  readonly port?: number
  readonly address?: string
}

function linesOf(stdout: string): Line[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

betweenMachines(({ server, ann }) => {
  let port: string
  beforeAll(async () => {
    port = await portOf(server.start(['serve', 'echo', '--port', '0', '--log-to', 'none']))
  })

  test('what a scan finds is what listens there, over each family', async () => {
    const targets = families.map((family) => ann.server[family])
    const { stdout, exitCode } = await ann.run(['scan', ...targets, '-p', `1-500,${port}`, '--jsonl', '-q'])
    const lines = linesOf(stdout)
    const open = targets.map((address) => ({ type: 'result', address, state: 'open', port: Number(port) }))
    expect(lines.filter(({ type }) => type === 'result')).toEqual(
      expect.arrayContaining(open.map((one) => expect.objectContaining(one))),
    )
    expect(lines.at(-1)).toMatchObject({
      complete: true,
      counts: { open: { connected: targets.length }, closed: { refused: 500 * targets.length } },
    })
    expect(exitCode).toBe(0)
  })

  const onIpv6 = families.includes('IPv6') ? test : test.skip
  onIpv6.each(['net', 'libc'])(
    'a link that has other addresses, too, was not found by its link-local ones: %s',
    async (engine) => {
      const { stdout } = await ann.run(['scan', ann.serverOnLink, '-p', port, '--engine', engine, '-q'])
      expect(stdout).toContain(`Port ${port} open`)
    },
  )

  /** A scan that takes as many seconds as it has thousands of ports, and has had its first answer. */
  async function scanUnderWay(ports: string) {
    const list = ['-p', `${ports},${port}`, '--rate', '1000']
    const scan = ann.start(['scan', ann.server.IPv4, ...list, '--jsonl', '--show', 'closed'])
    await scan.stdout.waitFor('"state":"closed"')
    return scan
  }

  test('a cable pulled in the middle of a scan made ports unreachable that are open', async () => {
    const scan = await scanUnderWay('1-1000')
    ann.pull()
    // Its own network is all the other scan needs, and it tells that this one went on without.
    await ann.run(['scan', '127.0.0.1', '-p', '1', '-q'])
    ann.plug()
    const { stdout, exitCode } = await scan.finished()
    const lines = linesOf(stdout)
    expect(lines.at(-1)).toMatchObject({
      complete: true,
      counts: { open: { connected: 1 }, closed: { refused: 1000 } },
    })
    expect(lines.find(({ state }) => state === 'open')).toMatchObject({ port: Number(port) })
    expect(exitCode).toBe(0)
  })

  test('a scan waits for a host that fell silent, and goes on when it is back', async () => {
    const scan = await scanUnderWay('1-2000')
    ann.pullAtServer()
    await scan.stderr.waitFor('has stopped answering')
    ann.plug()
    const { stdout, stderr } = await scan.finished()
    expect(stderr).toContain(`${ann.server.IPv4} answers again`)
    expect(linesOf(stdout).at(-1)).toMatchObject({
      complete: true,
      counts: { open: { connected: 1 }, closed: { refused: 2000 } },
    })
  })

  test('while a cable is out nothing is closed', async () => {
    const scan = () => ann.run(['scan', ann.server.IPv4, '-p', port, '--retries', '1', '--timeout', '50ms'])
    ann.pullAtServer()
    const unheard = await scan()
    ann.pull()
    const unsent = await scan()
    expect(unheard).toMatchObject({
      stdout: '',
      exitCode: 1,
      stderr: expect.stringContaining('1 filtered (no-answer)'),
    })
    expect(unsent).toMatchObject({
      ...{ stdout: '', exitCode: 1 },
      stderr: expect.stringContaining('1 unreachable (network-unreachable)'),
    })
    ann.plug()
  })
})
