import { UsageError } from '../base/errors.ts'
import type { Kind } from '../options/kinds.ts'
import { type Family, formatIp, parseIp, width } from './ip.ts'

/** A block of addresses, as CIDR names it (RFC 4632; RFC 4291 2.3); plain data. */
export interface Network {
  readonly family: Family
  /** Its first address. */
  readonly value: bigint
  /** How many leading bits all its addresses share. */
  readonly prefix: number
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address. Bits behind the prefix may be set, as in `192.168.1.7/24`. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const ip = parseIp(address)
  if (ip === undefined || ip.zone !== undefined) return undefined
  // An IPv4-mapped block is the IPv4 block: its first 96 bits are fixed.
  const mapped = ip.family === 4 && address.includes(':') ? 96 : 0
  const bits = Number(width[ip.family])
  const prefix = length === undefined ? bits : Number(length) - mapped
  if (prefix < 0 || prefix > bits) return undefined
  const host = BigInt(bits - prefix)
  return { family: ip.family, value: (ip.value >> host) << host, prefix }
}

/** Whether the address lies in one of the networks. Text that is no address lies in none. */
export function inNetworks(networks: readonly Network[], address: string): boolean {
  if (networks.length === 0) return false
  const ip = parseIp(address)
  if (ip === undefined) return false
  return networks.some(({ family, value, prefix }) => {
    const host = width[family] - BigInt(prefix)
    return family === ip.family && ip.value >> host === value >> host
  })
}

/** The block as `10.0.0.0/8`, a single address without its length. */
export function formatNetwork({ family, value, prefix }: Network): string {
  const address = formatIp(family, value)
  return BigInt(prefix) === width[family] ? address : `${address}/${prefix}`
}

/** Many networks, each with a value: finding an address among them costs one look for each length of a prefix. */
export class NetworkMap<T> {
  readonly #byPrefix = new Map<string, { readonly network: Network; readonly values: Map<bigint, T> }>()

  set(network: Network, value: T): void {
    const key = `${network.family}/${network.prefix}`
    const known = this.#byPrefix.get(key) ?? { network, values: new Map<bigint, T>() }
    this.#byPrefix.set(key, known)
    known.values.set(network.value, value)
  }

  /** The values of all networks that the address lies in; none for text that is no address. */
  of(address: string): readonly T[] {
    const ip = this.#byPrefix.size === 0 ? undefined : parseIp(address)
    if (ip === undefined) return []
    const found: T[] = []
    for (const { network, values } of this.#byPrefix.values()) {
      if (network.family !== ip.family) continue
      const host = width[ip.family] - BigInt(network.prefix)
      const value = values.get((ip.value >> host) << host)
      if (value !== undefined) found.push(value)
    }
    return found
  }
}

/** A list of networks that a person types: `10.0.0.0/8,fd00::/8`. */
export const networkList: Kind<readonly Network[]> = {
  placeholder: 'CIDR[,CIDR…]',
  parse: (text) =>
    text
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '')
      .map((word) => {
        const network = parseNetwork(word)
        if (network === undefined)
          throw new UsageError(`"${word}" is no network such as 192.168.1.0/24, 2001:db8::/32 or 192.0.2.7`)
        return network
      }),
}
