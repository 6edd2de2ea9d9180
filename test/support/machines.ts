import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, test } from '@jest/globals'
import { afterTests } from './after-tests.ts'
import { deadlineMs, executable, type Surroundings } from './executable.ts'
import { type Finished, RunningNetlab, type RunOptions } from './run-netlab.ts'
import { Terminal } from './terminal.ts'

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
  /** The server's address at the other end of the cable, and the one at this end. */
  readonly server: Readonly<Record<Family, string>>
  readonly address: Readonly<Record<Family, string>>
  readonly #cable: { readonly here: readonly string[]; readonly there: readonly string[] }

  /** @param number 1 to 50, another for each cable of the server. */
  constructor(namespace: string, server: string, number: number) {
    super(namespace)
    const first = number * 4
    // Addresses for documentation (RFC 5737, RFC 3849): nothing real can be meant by a mistake.
    this.server = { IPv4: `192.0.2.${first + 1}`, IPv6: `2001:db8:${number}::1` }
    this.address = { IPv4: `192.0.2.${first + 2}`, IPv6: `2001:db8:${number}::2` }
    const link = `cable${number}`
    ip('link', 'add', link, 'netns', server, 'type', 'veth', 'peer', 'name', link, 'netns', namespace)
    this.#cable = { here: ['-n', namespace, 'link', 'set', link], there: ['-n', server, 'link', 'set', link] }
    for (const [where, own] of [
      [server, this.server],
      [namespace, this.address],
    ] as const) {
      ip('-n', where, 'addr', 'add', `${own.IPv4}/30`, 'dev', link)
      if (families.includes('IPv6')) ip('-n', where, 'addr', 'add', `${own.IPv6}/64`, 'dev', link, 'nodad')
    }
    this.plug()
  }

  /** Takes this machine's end of the cable out: it has no route to the server any more. */
  pull(): void {
    ip(...this.#cable.here, 'down')
  }

  /** Takes the server's end out: what this machine sends is lost. */
  pullAtServer(): void {
    ip(...this.#cable.there, 'down')
  }

  /** Puts both ends in. */
  plug(): void {
    ip(...this.#cable.here, 'up')
    ip(...this.#cable.there, 'up')
  }
}

export interface Network {
  readonly server: Machine
  readonly ann: Client
  readonly bob: Client
}

/**
 * Tests that need a network of their own. Where none can be made they are skipped, and listed with the reason.
 */
export function betweenMachines(name: string, define: (network: Network) => void): void {
  const made = network()
  if (typeof made === 'string') test.skip(`${name} (no network can be made here: ${made})`, () => undefined)
  else describe(name, () => define(made))
}

/**
 * Three machines, two of them joined to the third, which routes nothing between them: network namespaces and veth, gone
 * after the tests of this file. A sentence where that can't be had.
 */
function network(): Network | string {
  try {
    const server = namespace('server')
    const [ann, bob] = [new Client(namespace('ann'), server, 1), new Client(namespace('bob'), server, 2)]
    return { server: new Machine(server), ann, bob }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The port that a server says it listens on. */
export async function portOf(server: RunningNetlab): Promise<string> {
  return /:(\d+)$/.exec(await server.line(/listening on/))?.[1] ?? ''
}

function namespace(role: string): string {
  const name = `netlab-${process.pid}-${role}`
  ip('netns', 'add', name)
  const remove = (): void => void spawnSync('ip', ['netns', 'delete', name])
  process.once('exit', remove)
  afterTests(() => {
    process.off('exit', remove)
    remove()
  })
  ip('-n', name, 'link', 'set', 'lo', 'up')
  if (families.includes('IPv6')) {
    // A cable that comes back finds the addresses where they were, usable at once, as on IPv4.
    const settings = 'cd /proc/sys/net/ipv6/conf && echo 1 > all/keep_addr_on_down && echo 0 > default/accept_dad'
    run('ip', ['netns', 'exec', name, 'sh', '-c', settings])
  }
  return name
}

function ip(...args: readonly string[]): void {
  run('ip', args)
}

function run(program: string, args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(stderr.trim().split('\n')[0])
}
