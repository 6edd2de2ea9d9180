import { networkInterfaces } from 'node:os'
import { expect, test } from '@jest/globals'
import { errorCode } from '../../src/base/errors.ts'
import { runNetlab } from '../support/run-netlab.ts'
import { listen } from '../support/sockets.ts'
import { installed } from './dialogue.ts'

/** Below the ports that systems hand out by themselves, so that nobody else opens one meanwhile. */
const first = 20_000
const count = 10_000
const range = `${first}-${first + count - 1}`

/** Opens a port of the range that nobody has. */
async function openOne(host: string): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = first + Math.floor(Math.random() * count)
    try {
      await listen((socket) => socket.destroy(), host, port)
      return port
    } catch (error) {
      if (errorCode(error) !== 'EADDRINUSE') throw error
    }
  }
  throw new Error(`a hundred ports of ${range} were taken`)
}

async function nmapFinds(program: string, host: string): Promise<number[]> {
  const family = host.includes(':') ? ['-6'] : []
  const args = [...family, '-sT', '-n', '-Pn', '-T5', '-p', range, '-oG', '-', host]
  const { stdout } = await runNetlab(args, { program })
  return [...stdout.matchAll(/(\d+)\/open\/tcp/g)].map(([, port]) => Number(port))
}

async function weFind(host: string): Promise<number[]> {
  const { stdout } = await runNetlab(['scan', host, '-p', range, '--json', '-q'])
  const { complete, hosts } = JSON.parse(stdout)
  expect(complete).toBe(true)
  return hosts.flatMap((one: { ports: { port: number }[] }) => one.ports.map(({ port }) => port))
}

const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? [])
const nmap = installed('nmap')

for (const host of ['127.0.0.1', '::1']) {
  const missing = nmap === undefined ? 'nmap is not installed here' : `${host} is missing here`
  if (nmap === undefined || !addresses.includes(host)) {
    test.skip(`nmap's open ports on ${host} are ours (${missing})`, () => undefined)
    continue
  }
  test(`nmap's open ports on ${host} are ours`, async () => {
    const opened = await Promise.all(Array.from({ length: 20 }, () => openOne(host)))
    const [theirs, ours] = await Promise.all([nmapFinds(nmap, host), weFind(host)])
    expect(ours).toEqual(theirs)
    expect(ours).toEqual(expect.arrayContaining(opened))
  })
}
