import { parseIp } from '../net/ip.ts'
import type { AddressSet } from './address-set.ts'
import { type PortPlan, union } from './port-plan.ts'
import { formatRanges, parseRanges } from './ranges.ts'
import type { HostAddress, ScanHost, ScanPart } from './types.ts'

/** Text form, to be kept in a file: positions of hosts in the address set, and ports, as ranges. */
export interface AnsweredText {
  /** Hosts of which every port is answered. */
  readonly whole: string
  /** Answered ports of the hosts that have some, by the host's position. */
  readonly partial: Readonly<Record<string, string>>
}

/** A host of which some ports are answered: a bit a port, in the order of the scan's ports. */
interface PartialHost {
  readonly bits: Uint8Array
  left: number
}

/** Which ports of which hosts have an answer: a byte a host, and a bit a port for each host that has only some. */
export class AnsweredPorts {
  readonly #addresses: AddressSet
  readonly #plan: PortPlan
  readonly #ports: readonly number[]
  /** The place of a port in `#ports`, from 1. */
  readonly #place = new Uint32Array(65_536)
  readonly #whole: Uint8Array
  readonly #partial = new Map<number, PartialHost>()
  #wholeCount = 0

  constructor(addresses: AddressSet, plan: PortPlan) {
    const ports = plan.all
    this.#addresses = addresses
    this.#plan = plan
    this.#ports = ports
    this.#whole = new Uint8Array(addresses.size)
    for (const [index, port] of ports.entries()) this.#place[port] = index + 1
  }

  /** Marks a port as answered; false when it was already, or is not part of the scan. */
  add(host: ScanHost, port: number): boolean {
    const ip = parseIp(host.address)
    const position = ip === undefined ? -1 : this.#addresses.indexOf(ip.family, ip.value)
    return position >= 0 && this.#mark(position, host, port)
  }

  #mark(position: number, host: HostAddress, port: number): boolean {
    const index = (this.#place[port] ?? 0) - 1
    if (index < 0 || this.#whole[position] === 1) return false
    const partial = this.#partial.get(position) ?? {
      bits: new Uint8Array(Math.ceil(this.#ports.length / 8)),
      left: this.#plan.of(host).length,
    }
    if (has(partial, index)) return false
    partial.bits[index >> 3] = (partial.bits[index >> 3] ?? 0) | (1 << (index & 7))
    partial.left--
    if (partial.left > 0) this.#partial.set(position, partial)
    else {
      this.#whole[position] = 1
      this.#wholeCount++
      this.#partial.delete(position)
    }
    return true
  }

  /**
   * What is left, in at most two parts: hosts without any answer with all ports, and those with some with every port that
   * one of them lacks. So a port may be probed again on a host that has answered it; `add` is false then.
   */
  remaining(): readonly ScanPart[] {
    if (this.#plan.hasOwn) return this.#remainingOfEach()
    const parts: ScanPart[] = []
    if (this.#partial.size > 0) {
      const positions = [...this.#partial.keys()].sort((a, b) => a - b)
      // A port that each of them has answered is left out: the bits that all have in common.
      const bits = new Uint8Array(Math.ceil(this.#ports.length / 8)).fill(255)
      for (const host of this.#partial.values()) {
        for (const [at, byte] of host.bits.entries()) bits[at] = (bits[at] ?? 0) & byte
      }
      const ports = this.#ports.filter((_, index) => !has({ bits }, index))
      parts.push({ hosts: this.#at(positions), hostCount: positions.length, ports })
    }
    const fresh = this.#addresses.size - this.#wholeCount - this.#partial.size
    if (fresh > 0) parts.push({ hosts: this.#fresh(), hostCount: fresh, ports: this.#ports })
    return parts
  }

  /** Where hosts have ports of their own: what each of them lacks. */
  #remainingOfEach(): readonly ScanPart[] {
    const left = new Map<string, readonly number[]>()
    const hosts: ScanHost[] = []
    let portTotal = 0
    let position = 0
    for (const host of this.#addresses.hosts()) {
      const partial = this.#partial.get(position)
      const ports = this.#plan.of(host)
      const lacking =
        partial === undefined ? ports : ports.filter((port) => !has(partial, (this.#place[port] ?? 1) - 1))
      if (this.#whole[position++] === 1 || lacking.length === 0) continue
      hosts.push(host)
      left.set(host.address, lacking)
      portTotal += lacking.length
    }
    if (hosts.length === 0) return []
    const portsOf = ({ address }: HostAddress): readonly number[] => left.get(address) ?? []
    return [{ hosts, hostCount: hosts.length, ports: union([...left.values()]), portsOf, portTotal }]
  }

  *#at(positions: readonly number[]): Generator<ScanHost> {
    for (const position of positions) yield* this.#addresses.hosts(position, position + 1)
  }

  /** The hosts that have no answer when the walk begins; answers that come meanwhile change nothing. */
  *#fresh(): Generator<ScanHost> {
    const begun = new Set(this.#partial.keys())
    const whole = this.#whole.slice()
    let position = 0
    for (const host of this.#addresses.hosts()) {
      if (whole[position] === 0 && !begun.has(position)) yield host
      position++
    }
  }

  toText(): AnsweredText {
    const partial: Record<string, string> = {}
    for (const [position, host] of this.#partial) {
      partial[position] = formatRanges(this.#ports.filter((_, index) => has(host, index)))
    }
    return { whole: formatRanges(this.#wholePositions()), partial }
  }

  *#wholePositions(): Generator<number> {
    for (const [position, whole] of this.#whole.entries()) if (whole === 1) yield position
  }

  /**
   * Reads what `toText` wrote for the same addresses and ports.
   * @throws {RangeError} when it is something else.
   */
  restore({ whole, partial }: AnsweredText): void {
    for (const [first, last] of parseRanges(whole, this.#addresses.size - 1)) {
      this.#whole.fill(1, first, last + 1)
      this.#wholeCount += last - first + 1
    }
    for (const [position, ports] of Object.entries(partial)) {
      for (const [only] of parseRanges(position, this.#addresses.size - 1)) {
        for (const [first, last] of parseRanges(ports, 65_535)) {
          for (let port = first; port <= last; port++) for (const host of this.#at([only])) this.#mark(only, host, port)
        }
      }
    }
  }
}

function has({ bits }: Pick<PartialHost, 'bits'>, index: number): boolean {
  return ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
}
