import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { beforeAll, describe, test } from '@jest/globals'
import { afterTests } from './after-tests.ts'
import { executable } from './executable.ts'
import { type Finished, RunningNetlab, type RunOptions } from './run-netlab.ts'
import type { Surroundings } from './surroundings.ts'
import { Terminal } from './terminal.ts'
import { deadlineMs } from './timeouts.ts'

export type Family = 'IPv4' | 'IPv6'

/** The families that machines of a network reach each other by. */
export const families: readonly Family[] = existsSync('/proc/net/if_inet6') ? ['IPv4', 'IPv6'] : ['IPv4']

/** A network namespace: a machine, as far as sockets can tell. Files and processes are shared with everybody. */
export class Machine {
  readonly #namespace: string

  constructor(namespace: string) {
    this.#namespace = namespace
  }

  /** As `startNetlab`, there. */
  start(args: readonly string[], options: Surroundings = {}): RunningNetlab {
    return new RunningNetlab(this.#there(args, options), { ...options, program: 'ip' })
  }

  /** As `runNetlab`, there. */
  run(args: readonly string[], { stdin = '', ...options }: RunOptions = {}): Promise<Finished> {
    const netlab = this.start(args, options)
    netlab.process.stdin.end(stdin)
    return netlab.finished(deadlineMs)
  }

  /** As `Terminal`, there. */
  terminal(args: readonly string[], options: Surroundings = {}): Terminal {
    return new Terminal(this.#there(args, options), { ...options, program: 'ip' })
  }

  // `ip` becomes the program, so that signals and exit codes are the program's.
  #there(args: readonly string[], { program = executable }: Surroundings): string[] {
    return ['netns', 'exec', this.#namespace, program, ...args]
  }
}

/** A machine with a cable of its own to the server. */
export class Client extends Machine {
  /** The server's address at the other end of the cable. */
  readonly server: Readonly<Record<Family, string>>
  /** The same end by its address on that link alone, with the link's name here. */
  readonly serverOnLink: string
  readonly #ends: readonly { readonly namespace: string; readonly address: Readonly<Record<Family, string>> }[]
  readonly #link: string

  /** @param number 1 to 50, another for each cable of the server. */
  constructor(namespace: string, server: string, number: number) {
    super(namespace)
    this.#link = `cable${number}`
    // Addresses for documentation (RFC 5737, RFC 3849): nothing real can be meant by a mistake.
    const own = { IPv4: `192.0.2.${number * 4 + 2}`, IPv6: `2001:db8:${number}::2` }
    this.server = { IPv4: `192.0.2.${number * 4 + 1}`, IPv6: `2001:db8:${number}::1` }
    this.serverOnLink = `fe80::1:${number}%${this.#link}`
    this.#ends = [
      { namespace, address: own },
      { namespace: server, address: this.server },
    ]
  }

  /** Lays the cable between the two namespaces. */
  lay(): void {
    const link = this.#link
    const [here, there] = this.#ends.map(({ namespace }) => ['netns', namespace])
    ip('link', 'add', link, ...(here ?? []), 'type', 'veth', 'peer', 'name', link, ...(there ?? []))
    for (const { namespace, address } of this.#ends) {
      ip('-n', namespace, 'addr', 'add', `${address.IPv4}/30`, 'dev', link)
      if (!families.includes('IPv6')) continue
      ip('-n', namespace, 'addr', 'add', `${address.IPv6}/64`, 'dev', link, 'nodad')
      // The neighbour is asked for as long as usual, but ten times as often.
      ip('-n', namespace, ...'ntable change name ndisc_cache retrans 100 mcast_probes 30 dev'.split(' '), link)
    }
    if (families.includes('IPv6')) {
      const address = this.serverOnLink.replace(/%.*/, '/64')
      for (const { namespace } of this.#ends.slice(1)) ip('-n', namespace, 'addr', 'add', address, 'dev', link, 'nodad')
    }
    this.plug()
  }

  /** Takes this machine's end of the cable out: it has no route to the server any more. */
  pull(): void {
    for (const { namespace } of this.#ends.slice(0, 1)) ip('-n', namespace, 'link', 'set', this.#link, 'down')
  }

  /** Takes the server's end out: what this machine sends is lost. */
  pullAtServer(): void {
    for (const { namespace } of this.#ends.slice(1)) ip('-n', namespace, 'link', 'set', this.#link, 'down')
  }

  /**
   * Gives this machine so many addresses more, on a network that the server is in, for which it can send but which it does not say it has:
   * what the server sends there waits for them in vain. Returns the server's address there, and these.
   */
  haunt(count: number): { readonly server: string; readonly addresses: readonly string[] } {
    // For benchmarks (RFC 2544).
    const addresses = Array.from({ length: count }, (_, index) => `198.18.${1 + (index >> 7)}.${1 + (index & 127)}`)
    const [here = { namespace: '' }, there = { namespace: '' }] = this.#ends
    ip('-n', there.namespace, 'addr', 'add', '198.18.0.1/16', 'dev', this.#link)
    const lines = addresses.map((address) => `ip addr add ${address}/16 dev ${this.#link}`)
    lines.push(`echo 8 > /proc/sys/net/ipv4/conf/${this.#link}/arp_ignore`)
    run('ip', ['netns', 'exec', here.namespace, 'sh', '-ec', lines.join('\n')])
    return { server: '198.18.0.1', addresses }
  }

  /** Takes the cable away; another one can be laid then, with interfaces that are not those of before. */
  unlay(): void {
    for (const { namespace } of this.#ends.slice(0, 1)) ip('-n', namespace, 'link', 'del', this.#link)
  }

  /** This machine has no address of IPv4 any more. */
  dropIPv4(): void {
    for (const { namespace } of this.#ends.slice(0, 1)) ip('-n', namespace, '-4', 'addr', 'flush', 'dev', this.#link)
  }

  /** What this machine sends to another address of the server goes there by the same cable. */
  routeTo(address: string): void {
    const family = address.includes(':') ? 'IPv6' : 'IPv4'
    for (const { namespace } of this.#ends.slice(0, 1))
      ip('-n', namespace, 'route', 'replace', address, 'via', this.server[family], 'dev', this.#link)
  }

  /** Gives this machine other addresses instead of its own, as the next lease of DHCP does. */
  renumber(): void {
    const [here, there] = this.#ends
    if (here === undefined || there === undefined) return
    const link = this.#link
    const other = here.address.IPv4.replace(/\d+$/, (last) => String(200 + Math.floor(Number(last) / 4)))
    ip('-n', there.namespace, 'route', 'replace', `${other}/32`, 'dev', link)
    ip('-n', here.namespace, 'addr', 'del', `${here.address.IPv4}/30`, 'dev', link)
    ip('-n', here.namespace, 'addr', 'add', `${other}/32`, 'dev', link)
    ip('-n', here.namespace, 'route', 'replace', `${there.address.IPv4}/32`, 'dev', link)
    if (!families.includes('IPv6')) return
    ip('-n', here.namespace, 'addr', 'del', `${here.address.IPv6}/64`, 'dev', link)
    ip('-n', here.namespace, 'addr', 'add', `${here.address.IPv6.replace('::2', '::99')}/64`, 'dev', link, 'nodad')
  }

  /** Puts both ends in. */
  plug(): void {
    for (const { namespace } of this.#ends) ip('-n', namespace, 'link', 'set', this.#link, 'up')
  }
}

/** Three machines, two of them joined to the third, which routes nothing between them: network namespaces and veth. */
class Network {
  readonly #names = ['server', 'ann', 'bob'].map((role) => `netlab-${process.pid}-${role}`)
  readonly server: Machine
  readonly ann: Client
  readonly bob: Client

  constructor() {
    const [server = '', ann = '', bob = ''] = this.#names
    this.server = new Machine(server)
    this.ann = new Client(ann, server, 1)
    this.bob = new Client(bob, server, 2)
  }

  make(): void {
    for (const name of this.#names) makeNamespace(name)
    this.ann.lay()
    this.bob.lay()
  }

  remove(): void {
    for (const name of this.#names) spawnSync('ip', ['netns', 'delete', name])
  }

  /** Why there can be none here, found out by making one. */
  get obstacle(): string | undefined {
    try {
      this.make()
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    } finally {
      this.remove()
    }
  }
}

/**
 * Tests with machines of their own, which are there from before the first until after the last. Skipped, and listed with
 * the reason, where that can't be had.
 */
export function betweenMachines(define: (network: Network) => void): void {
  const network = new Network()
  const { obstacle } = network
  if (obstacle !== undefined) {
    test.skip(`between machines (no network can be made here: ${obstacle})`, () => undefined)
    return
  }
  beforeAll(() => network.make())
  afterTests(() => network.remove())
  describe('between machines', () => define(network))
}

/** The port that a server says it listens on. */
export async function portOf(server: RunningNetlab): Promise<string> {
  return /:(\d+)$/.exec(await server.line(/listening on/))?.[1] ?? ''
}

/** TCP notices within a second that a cable is back, however often its timeout has doubled; in kernels since Linux 6.15. */
const wakeful = ['[ ! -w ipv4/tcp_rto_max_ms ] || echo 1000 > ipv4/tcp_rto_max_ms']

/** A cable that comes back finds the addresses where they were, usable at once, as on IPv4. */
const steadyIpv6 = ['echo 1 > ipv6/conf/all/keep_addr_on_down', 'echo 0 > ipv6/conf/default/accept_dad']

function makeNamespace(name: string): void {
  ip('netns', 'add', name)
  ip('-n', name, 'link', 'set', 'lo', 'up')
  const lines = ['cd /proc/sys/net', ...wakeful]
  if (families.includes('IPv6')) lines.push(...steadyIpv6)
  run('ip', ['netns', 'exec', name, 'sh', '-ec', lines.join('\n')])
}

function ip(...args: readonly string[]): void {
  run('ip', args)
}

function run(program: string, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(stderr.trim().split('\n')[0])
}
