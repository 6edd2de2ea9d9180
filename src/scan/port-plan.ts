import { parseIp } from '../net/ip.ts'
import type { AddressSet } from './address-set.ts'
import { formatRanges } from './ranges.ts'
import type { HostAddress } from './types.ts'

/** Which ports are asked of which address: usually the same of all, and of some their own. */
export class PortPlan {
  /** Every port that is asked of any address, ascending. */
  readonly all: readonly number[]
  readonly #usual: readonly number[]
  readonly #own: ReadonlyMap<string, readonly number[]>

  /** @param own ports of single addresses, ascending, instead of the usual ones; by the address without its zone */
  constructor(usual: readonly number[], own: ReadonlyMap<string, readonly number[]> = new Map()) {
    this.#usual = usual
    this.#own = own
    this.all = own.size === 0 ? usual : union([usual, ...own.values()])
  }

  /** Some addresses have ports of their own. */
  get hasOwn(): boolean {
    return this.#own.size > 0
  }

  of({ address }: HostAddress): readonly number[] {
    return this.#own.size === 0 ? this.#usual : (this.#own.get(address.replace(/%.*/, '')) ?? this.#usual)
  }

  /** Ports over all of the addresses. */
  count(addresses: AddressSet): number {
    let count = addresses.size * this.#usual.length
    for (const [address, ports] of this.#own) {
      const ip = parseIp(address)
      const isIn = ip !== undefined && addresses.indexOf(ip.family, ip.value) >= 0
      if (isIn) count += ports.length - this.#usual.length
    }
    return count
  }

  /** The same with the ports that pass only. */
  filter(passes: (port: number) => boolean): PortPlan {
    const own = [...this.#own].map(([address, ports]) => [address, ports.filter(passes)] as const)
    return new PortPlan(this.#usual.filter(passes), new Map(own))
  }

  /** The same, and for addresses that have their own ports in `other` alone, those. */
  with(other: PortPlan): PortPlan {
    return new PortPlan(this.#usual, new Map([...other.#own, ...this.#own]))
  }

  /** Compact text: `22,8000-8100`, and behind it the addresses with ports of their own. */
  toString(): string {
    const own = [...this.#own].map(([address, ports]) => ` [${address}]:${formatRanges(ports)}`).sort()
    return formatRanges(this.#usual) + own.join('')
  }
}

/** All of the ports, ascending and without duplicates. */
export function union(lists: readonly (readonly number[])[]): readonly number[] {
  return [...new Set(lists.flat())].sort((a, b) => a - b)
}
