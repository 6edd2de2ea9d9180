import { type Family, formatIp, parseIp, width } from '../net/ip.ts'
import type { ScanHost } from './types.ts'

/** Addresses from `first` to `last`, both included. */
export interface AddressRange {
  readonly family: Family
  readonly first: bigint
  readonly last: bigint
}

/** What a single address was called when it was typed. */
export interface AddressLabel {
  /** At least one. */
  readonly names?: readonly string[]
  readonly zone?: string
}

/**
 * Addresses to scan, as disjoint ranges in ascending order (IPv4 first): its size is known without expanding it, and a
 * /12 takes as little memory as one address.
 */
export class AddressSet {
  readonly ranges: readonly AddressRange[]
  readonly #labels: ReadonlyMap<string, AddressLabel>
  /** Addresses before each range. */
  readonly #offsets: readonly number[]
  readonly size: number

  /** Ranges may overlap and come in any order. Labels are by address as `formatIp` writes it. */
  constructor(ranges: readonly AddressRange[], labels: ReadonlyMap<string, AddressLabel> = new Map()) {
    this.ranges = merge(ranges)
    this.#labels = labels
    const offsets: number[] = []
    let size = 0
    for (const range of this.ranges) {
      offsets.push(size)
      size += Number(range.last - range.first + 1n)
    }
    this.#offsets = offsets
    this.size = size
  }

  /** The same addresses but those of `excluded`. */
  without(excluded: AddressSet): AddressSet {
    const left: AddressRange[] = []
    let next = 0
    for (const { family, first, last } of this.ranges) {
      let from = first
      while (next < excluded.ranges.length && isBefore(excluded.ranges[next], family, first)) next++
      for (let at = next; from <= last; at++) {
        const hole = excluded.ranges[at]
        if (hole === undefined || hole.family !== family || hole.first > last) break
        if (hole.first > from) left.push({ family, first: from, last: hole.first - 1n })
        from = hole.last + 1n
      }
      if (from <= last) left.push({ family, first: from, last })
    }
    return new AddressSet(left, this.#labels)
  }

  /** These addresses and those of `other`; what both name is called as here. */
  with(other: AddressSet): AddressSet {
    return new AddressSet([...this.ranges, ...other.ranges], new Map([...other.#labels, ...this.#labels]))
  }

  /** Hosts one by one from position `from` up to but without `to`, made as they are asked for. */
  *hosts(from = 0, to = this.size): Generator<ScanHost> {
    for (const [index, { family, first, last }] of this.ranges.entries()) {
      const offset = this.#offsets[index] ?? 0
      const skip = Math.max(0, from - offset)
      const end = Math.min(Number(last - first) + 1, to - offset)
      for (let position = skip; position < end; position++) yield this.#host(family, first + BigInt(position))
    }
  }

  /** Where in the order an address of the set stands, from 0; -1 when it is not in it. */
  indexOf(family: Family, value: bigint): number {
    let low = 0
    let high = this.ranges.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const range = this.ranges[middle]
      if (range === undefined) break
      const side = compare(family, value, range)
      if (side === 0) return (this.#offsets[middle] ?? 0) + Number(value - range.first)
      if (side < 0) high = middle - 1
      else low = middle + 1
    }
    return -1
  }

  /** Whether an address reachable from the Internet is among them. */
  get hasPublic(): boolean {
    return this.ranges.some(({ family, first, last }) => !isPrivate(family, first, last))
  }

  /** Compact text: `10.0.0.1-10.0.0.20,::1`. */
  toString(): string {
    return this.ranges
      .map(({ family, first, last }) =>
        first === last ? this.#host(family, first).address : `${formatIp(family, first)}-${formatIp(family, last)}`,
      )
      .join(',')
  }

  #host(family: Family, value: bigint): ScanHost {
    const text = formatIp(family, value)
    const label = this.#labels.size === 0 ? undefined : this.#labels.get(text)
    return {
      address: label?.zone === undefined ? text : `${text}%${label.zone}`,
      family,
      ...(label?.names !== undefined && { name: label.names[0] ?? '', names: label.names }),
    }
  }
}

function compare(family: Family, value: bigint, range: AddressRange): number {
  if (family !== range.family) return family - range.family
  if (value < range.first) return -1
  return value > range.last ? 1 : 0
}

function merge(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const merged: AddressRange[] = []
  const ordered = ranges.toSorted((a, b) => a.family - b.family || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  for (const range of ordered) {
    const before = merged.at(-1)
    if (before === undefined || before.family !== range.family || range.first > before.last + 1n) merged.push(range)
    else if (range.last > before.last) merged[merged.length - 1] = { ...before, last: range.last }
  }
  return merged
}

function isBefore(range: AddressRange | undefined, family: Family, value: bigint): boolean {
  return range !== undefined && (range.family === family ? range.last < value : range.family < family)
}

/** Blocks that are not reachable from the Internet (IANA special-purpose registries, RFC 6890): anything else is public. */
const privateBlocks = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '::/127',
  '2001:db8::/32',
  'fc00::/7',
  'fe80::/10',
]

function parseBlock(block: string): AddressRange {
  const [base = '', prefix = ''] = block.split('/')
  const { family, value } = parseIp(base) ?? { family: 4, value: 0n }
  return { family, first: value, last: value + (1n << (width[family] - BigInt(prefix))) - 1n }
}

/** Parsed when somebody asks: most scans need no answer. */
let parsedBlocks: readonly AddressRange[] | undefined

/** Whether all addresses from `first` to `last` lie in one block that is not reachable from the Internet. */
export function isPrivate(family: Family, first: bigint, last: bigint): boolean {
  parsedBlocks ??= privateBlocks.map(parseBlock)
  return parsedBlocks.some((block) => block.family === family && block.first <= first && last <= block.last)
}
