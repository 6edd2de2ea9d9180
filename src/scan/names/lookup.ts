import { lookup as systemLookup } from 'node:dns/promises'
import { networkInterfaces, platform } from 'node:os'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { parseIp } from '../../net/ip.ts'
import { asciiHost } from '../../options/kinds.ts'
import { scanLimits } from '../limits.ts'
import { isLinkLocal } from '../zones.ts'
import { DnsQuestions, systemChannels, timedOut } from './dns-questions.ts'
import { type HostsFile, parseHosts } from './hosts-file.ts'
import { fullNames, mayKnowMore, parseNameSwitch, parseResolvConf, type SearchRule } from './resolver-config.ts'

/** What looks names up, for one pass over them: it reads the system's files anew. */
export interface NameSource {
  /** Every address of a name, the first to be tried first. Rejects with an error that has a code (ENOTFOUND, ETIMEOUT …). */
  lookup(name: string): Promise<readonly string[]>
  /** Ends what is still being asked. */
  close(): void
}

/** Whom this system can reach over IPv6: nobody, itself, or others. */
export type Ipv6Reach = 'none' | 'loopback' | 'others'

/** What a lookup knows of its system; tests give their own. */
export interface NameSystem {
  readonly hosts: HostsFile
  readonly rule: SearchRule
  /** As in nsswitch.conf(5). */
  readonly sources: readonly string[]
  readonly dns: Pick<DnsQuestions, 'addresses' | 'close'>
  /** The system's own function (getaddrinfo), which takes as long as it likes. */
  readonly ask: (name: string) => Promise<readonly string[]>
  readonly ipv6: Ipv6Reach
}

/**
 * Names as this system knows them. On Linux its hosts file and its name servers are asked here, all names at once: the
 * system's own function occupies a thread while a server is silent, and there are two. It is asked for what only it may
 * know, and on other systems, whose rules are not in files, for all. `read`: the text of a file, '' where there is none.
 */
export async function systemNames(clock: Clock, read: (path: string) => Promise<string>): Promise<NameSource> {
  const ask = async (name: string) => (await systemLookup(name, { all: true })).map(({ address }) => address)
  if (platform() !== 'linux') return new QueuedLookup(ask, clock)
  const [hosts, resolver, nameSwitch] = await Promise.all(
    ['/etc/hosts', '/etc/resolv.conf', '/etc/nsswitch.conf'].map(read),
  )
  return new Names(
    {
      hosts: parseHosts(hosts ?? ''),
      rule: parseResolvConf(resolver ?? ''),
      sources: parseNameSwitch(nameSwitch ?? ''),
      dns: new DnsQuestions(systemChannels(), clock),
      ask,
      ipv6: ipv6Reach(),
    },
    clock,
  )
}

/** Looks names up in the order hosts file, DNS, the system's own function. */
export class Names implements NameSource {
  readonly #system: NameSystem
  readonly #queue: QueuedLookup

  constructor(system: NameSystem, clock: Clock) {
    this.#system = system
    this.#queue = new QueuedLookup(system.ask, clock)
  }

  async lookup(name: string): Promise<readonly string[]> {
    const ascii = asciiHost(name).toLowerCase()
    return inOrder(await this.#find(ascii), this.#system.ipv6)
  }

  close(): void {
    this.#system.dns.close()
  }

  async #find(name: string): Promise<readonly string[]> {
    const { hosts, sources } = this.#system
    const known = hosts.get(name.replace(/\.$/, ''))
    if (known !== undefined) return known
    // Never asked of anybody else (RFC 6761, 6.3).
    if (/^(.*\.)?localhost\.?$/.test(name)) return ['127.0.0.1', '::1']
    try {
      return await this.#searchDns(name)
    } catch (error) {
      if (errorCode(error) === 'ETIMEOUT' || !mayKnowMore(name, sources)) throw error
      return this.#queue.lookup(name)
    }
  }

  /** As res_search(3) does: a server that fails is passed over, one that is silent ends the search. */
  async #searchDns(name: string): Promise<readonly string[]> {
    let failure: unknown
    for (const full of fullNames(name, this.#system.rule)) {
      try {
        const found = await this.#system.dns.addresses(full)
        if (found.length > 0) return found
        failure = Object.assign(new Error('it has no address'), { code: 'ENODATA' })
      } catch (error) {
        if (!['ENOTFOUND', 'ENODATA', 'ESERVFAIL'].includes(errorCode(error))) throw error
        if (failure === undefined || errorCode(failure) === 'ENOTFOUND') failure = error
      }
    }
    throw failure
  }
}

/**
 * The system's own function, no more calls at a time than there are threads for it, so that the time of a name counts from
 * when it is asked.
 */
class QueuedLookup implements NameSource {
  readonly #ask: NameSystem['ask']
  readonly #clock: Clock
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(ask: NameSystem['ask'], clock: Clock) {
    this.#ask = ask
    this.#clock = clock
  }

  async lookup(name: string): Promise<readonly string[]> {
    if (this.#running >= scanLimits.systemLookupCount) await new Promise<void>((go) => this.#waiting.push(go))
    this.#running++
    const answer = this.#ask(name)
    // The thread is busy for as long as the system's function takes, whoever waits for it.
    const next = (): void => {
      this.#running--
      this.#waiting.shift()?.()
    }
    answer.then(next, next)
    return this.#inTime(answer)
  }

  close(): void {}

  #inTime(answer: Promise<readonly string[]>): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    const timer = this.#clock.after(limits.connectMs, () => reject(timedOut()))
    answer.then(resolve, reject)
    return promise.finally(() => timer.cancel())
  }
}

/** Link-local addresses reach nobody whose address a name has. */
function ipv6Reach(): Ipv6Reach {
  const all = Object.values(networkInterfaces()).flatMap((entries = []) => entries)
  const own = all.filter((entry) => entry.family === 'IPv6' && entry.scopeid === 0)
  if (own.some(({ internal }) => !internal)) return 'others'
  return own.length > 0 ? 'loopback' : 'none'
}

/**
 * The order in which the addresses of a name are tried: what matters of RFC 6724 without asking the routing table. IPv6 first
 * where this system has it; unique local addresses (fc00::/7) behind IPv4; and what can't be reached last.
 */
function inOrder(addresses: readonly string[], reach: Ipv6Reach): readonly string[] {
  const rank = (text: string): number => {
    const ip = parseIp(text)
    if (ip === undefined || ip.family === 4) return 1
    if (ip.value === 1n) return reach === 'none' ? 3 : 0
    if (reach !== 'others' && !isLinkLocal(ip)) return 3
    return ip.value >> 121n === 0x7en || isLinkLocal(ip) ? 2 : 0
  }
  return [...new Set(addresses)].toSorted((a, b) => rank(a) - rank(b))
}
