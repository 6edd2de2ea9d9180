import { parseIp } from '../net/ip.ts'
import { AddressSet } from './address-set.ts'
import { PortPlan } from './port-plan.ts'
import type { NamedTarget, ResolvedTargets } from './resolve-targets.ts'
import type { HostAddress, PortResult } from './types.ts'

/** What of a scan's targets an expectation is about. */
export type ExpectedTargets = Pick<ResolvedTargets, 'addresses' | 'ports' | 'typed' | 'names'>

/**
 * Ports that should be open: on every address, or, of a name, on any of its addresses. What was seen open stays so, also when
 * names have other addresses later (`retarget`).
 */
export class ExpectedPorts {
  readonly #isExpected: (port: number) => boolean
  readonly #isAnyEnough: boolean
  readonly #open = new Set<string>()
  #ports = new PortPlan([])
  /** Addresses of which each must have its ports open. */
  #each = new AddressSet([])
  /** Names of which any address is enough. */
  #names: readonly NamedTarget[] = []
  /** Ports of names without an address. */
  #unknownPorts = 0
  #openOnEach = 0

  constructor(targets: ExpectedTargets, isExpected: (port: number) => boolean, isAnyEnough: boolean) {
    this.#isExpected = isExpected
    this.#isAnyEnough = isAnyEnough
    this.retarget(targets)
  }

  /** From now on it is about these. */
  retarget({ addresses, ports, typed, names }: ExpectedTargets): void {
    this.#ports = ports.filter(this.#isExpected)
    this.#each = this.#isAnyEnough ? typed : addresses
    this.#names = this.#isAnyEnough ? names.filter((name) => name.addresses.length > 0) : []
    const unknown = names.filter((name) => name.addresses.length === 0)
    this.#unknownPorts = unknown.reduce(
      (sum, name) => sum + (name.ports ?? ports.all).filter(this.#isExpected).length,
      0,
    )
    this.#openOnEach = 0
    if (this.#open.size === 0) return
    for (const host of this.#each.hosts()) {
      for (const port of this.#ports.of(host)) if (this.#open.has(key(host.address, port))) this.#openOnEach++
    }
  }

  /** Takes up a result. */
  add({ host, port, state }: PortResult): void {
    if (state !== 'open' || !this.#isExpected(port) || this.#open.has(key(host.address, port))) return
    this.#open.add(key(host.address, port))
    if (isIn(this.#each, host)) this.#openOnEach++
  }

  /** How many there are in all. */
  get count(): number {
    const ofNames = this.#names.reduce((sum, name) => sum + this.#portsOf(name).length, 0)
    return this.#ports.count(this.#each) + ofNames + this.#unknownPorts
  }

  /** How many of them are not open. */
  get missing(): number {
    const open = this.#names.reduce((sum, name) => sum + this.#openPortsOf(name).length, 0)
    return this.count - this.#openOnEach - open
  }

  /** All that is expected of a name is open. */
  isMet(name: NamedTarget): boolean {
    if (name.addresses.length === 0) return false
    if (this.#isAnyEnough) return this.#openPortsOf(name).length === this.#portsOf(name).length
    return name.addresses.every((address) => this.#openPorts(address).length === this.#ports.of(as(address)).length)
  }

  /** The ports of an address that would help if they were open now, ascending. */
  wanted(host: HostAddress): readonly number[] {
    const address = bare(host.address)
    const wanted = new Set(isIn(this.#each, host) ? this.#ports.of(host) : [])
    for (const name of this.#names) {
      if (!name.addresses.includes(address)) continue
      const open = new Set(this.#openPortsOf(name))
      for (const port of this.#portsOf(name)) if (!open.has(port)) wanted.add(port)
    }
    return this.#ports.of(host).filter((port) => wanted.has(port) && !this.#open.has(key(address, port)))
  }

  #portsOf({ addresses: [first] }: NamedTarget): readonly number[] {
    return first === undefined ? [] : this.#ports.of(as(first))
  }

  #openPortsOf(name: NamedTarget): readonly number[] {
    return this.#portsOf(name).filter((port) => name.addresses.some((address) => this.#open.has(key(address, port))))
  }

  #openPorts(address: string): readonly number[] {
    return this.#ports.of(as(address)).filter((port) => this.#open.has(key(address, port)))
  }
}

function key(address: string, port: number): string {
  return `${port} ${bare(address)}`
}

function bare(address: string): string {
  return address.replace(/%.*/, '')
}

function as(address: string): HostAddress {
  return { address, family: address.includes(':') ? 6 : 4 }
}

function isIn(addresses: AddressSet, { address }: HostAddress): boolean {
  const ip = parseIp(address)
  return ip !== undefined && addresses.indexOf(ip.family, ip.value) >= 0
}
