import { Random } from '../../base/random.ts'
import type { ScanHost } from '../types.ts'
import { HostState } from './host-state.ts'
import type { MeasurementInterval, Purpose } from './interval.ts'
import { pacingLimits as limits } from './limits.ts'

/*
 * What is left to probe: hosts, taken from a lazy list a few thousand at a time and served round-robin; of each host its ports, the
 * promising ones first and the others shuffled; and the queue of ports that stayed silent and may be tried again.
 */

/** One attempt, from the moment it is chosen until it is settled. */
export interface Probe {
  readonly target: HostState
  readonly port: number
  readonly purpose: Purpose
  /** This attempt's number, from 1. */
  readonly attempt: number
  /** How long to wait for the answer. */
  readonly timeoutMs: number
  /** How long a first attempt made at the same moment would wait: an answer after that counts as late. */
  readonly punctualMs: number
  readonly interval: MeasurementInterval
  /** Its number among all probes, from 1. */
  readonly serial: number
  /** The chance that the attempts before this one were all lost although the port is open. */
  readonly doubt: number
  /** When the attempt before this one was made; undefined for a first one. */
  readonly earlierMs?: number | undefined
  /** How often our own system failed to make it. */
  readonly failures: number
}

/** How an attempt ended. `other`: an ICMP error or a local policy, not the port itself. `local`: our own system could not make it. */
export type ProbeOutcome =
  | { readonly kind: 'answer'; readonly is: 'open' | 'refused' | 'other'; readonly rttMs: number }
  | { readonly kind: 'silence' }
  | { readonly kind: 'local'; readonly shortage: boolean }

/**
 * The hosts under scan. They are taken up as earlier ones are finished, so that a /12 costs no memory, and served in turn, so that no
 * host gets the whole rate while others wait.
 */
export class HostQueue {
  readonly #source: Iterator<ScanHost>
  readonly #ports: readonly number[]
  readonly #portsOf: ((host: ScanHost) => readonly number[]) | undefined
  /** Made once for each list of ports, which most hosts share. */
  readonly #orders = new WeakMap<readonly number[], Uint16Array>()
  readonly #hosts = new Map<number, HostState>()
  /** Those with ports that were never tried. */
  readonly #untriedHosts: HostState[] = []
  #turn = 0
  #taken = 0
  #unresolved = 0
  #untried = 0
  #exhausted = false

  /** `portsOf`: where hosts have different ports, those of one. */
  constructor(
    hosts: Iterable<ScanHost>,
    ports: readonly number[],
    portsOf?: ((host: ScanHost) => readonly number[]) | undefined,
  ) {
    this.#source = hosts[Symbol.iterator]()
    this.#ports = ports
    this.#portsOf = portsOf
    this.#exhausted = ports.length === 0
  }

  /** Every port of every host has its final answer. */
  get isDone(): boolean {
    this.#admit()
    return this.#exhausted && this.#unresolved === 0
  }

  /** The hosts that are not finished. */
  get active(): Iterable<HostState> {
    return this.#hosts.values()
  }

  /** How many of them. */
  get activeCount(): number {
    return this.#hosts.size
  }

  /** How many were taken up so far. */
  get taken(): number {
    return this.#taken
  }

  /** Ports of the hosts taken up that were never tried. */
  get untried(): number {
    return this.#untried
  }

  get(number: number): HostState | undefined {
    return this.#hosts.get(number)
  }

  /** The host whose turn it is, if there is one that may be asked; the caller takes its port with `takePort` at once. */
  next(): HostState | undefined {
    this.#admit()
    if (this.#untriedHosts.length === 0) return undefined
    for (let passed = 0; passed < this.#untriedHosts.length; passed++) {
      this.#turn = (this.#turn + 1) % this.#untriedHosts.length
      const host = this.#untriedHosts[this.#turn]
      if (host?.liveness !== 'silent') return host
    }
    return undefined
  }

  /** Takes the next never tried port of a host that `next` gave. */
  takePort(host: HostState): number {
    const port = host.order[host.cursor++] ?? 0
    this.#untried--
    if (host.cursor === host.order.length) {
      const at = this.#untriedHosts.indexOf(host)
      const last = this.#untriedHosts.pop()
      if (last !== undefined && last !== host) this.#untriedHosts[at] = last
    }
    return port
  }

  /** Gives a host up, with all its ports that have no answer. */
  leave(host: HostState): void {
    const at = this.#untriedHosts.indexOf(host)
    if (at >= 0) this.#untriedHosts.splice(at, 1)
    this.#untried -= host.order.length - host.cursor
    this.#unresolved -= host.unresolved
    host.cursor = host.order.length
    host.unresolved = 0
    host.isLeft = true
    this.#hosts.delete(host.number)
  }

  /** One port of the host has its final answer. */
  resolve(host: HostState): void {
    this.#unresolved--
    if (--host.unresolved === 0) this.#hosts.delete(host.number)
  }

  #orderOf(ports: readonly number[]): Uint16Array {
    let order = this.#orders.get(ports)
    if (order === undefined) {
      order = portOrder(ports)
      this.#orders.set(ports, order)
    }
    return order
  }

  #admit(): void {
    const { maxUnresolved, maxHosts } = limits.scan
    while (!this.#exhausted && this.#unresolved < maxUnresolved && this.#hosts.size < maxHosts) {
      const { value, done } = this.#source.next()
      if (done === true) {
        this.#exhausted = true
        return
      }
      const order = this.#orderOf(this.#portsOf?.(value) ?? this.#ports)
      if (order.length === 0) continue
      const host = new HostState(value, this.#taken++, order)
      this.#hosts.set(host.number, host)
      this.#untriedHosts.push(host)
      this.#unresolved += host.unresolved
      this.#untried += host.unresolved
    }
  }
}

/** Ports that are open more often than others: found first, they tell early how the path behaves. */
const promisingPorts = [
  80, 443, 22, 21, 25, 23, 53, 110, 111, 135, 139, 143, 445, 993, 995, 1723, 3306, 3389, 5432, 5900, 6379, 8000, 8080,
  8443, 9090,
]

/**
 * The order in which the ports of every host are tried: the promising ones, then all others shuffled (Fisher and Yates), always in the
 * same way. Shuffled, because the share of ports that answer then stays the same through the scan, so that a drop
 * means the path and not a stretch of filtered ports.
 */
export function portOrder(ports: readonly number[]): Uint16Array {
  // One byte a port: as a Set of numbers all ports would take megabytes.
  const isLeft = new Uint8Array(65_536)
  for (const port of ports) isLeft[port] = 1
  const first = promisingPorts.filter((port) => isLeft[port] === 1)
  for (const port of first) isLeft[port] = 0
  const order = new Uint16Array(ports.length)
  order.set(first)
  let next = first.length
  for (const port of ports) if (isLeft[port] === 1) order[next++] = port
  const random = new Random(ports.length)
  for (let last = order.length - 1; last > first.length; last--) {
    const other = first.length + random.below(last - first.length + 1)
    const port = order[last] ?? 0
    order[last] = order[other] ?? 0
    order[other] = port
  }
  return order
}

/** A port that stayed silent, waiting for its next attempt. */
export interface SilentPort {
  /** Which host, by its number in the scan. */
  host: number
  port: number
  /** Attempts made. */
  attempts: number
  /** The interval in which the last of them was sent. */
  interval: number
  /** The chance that all attempts before the last one were lost although the port is open. */
  doubt: number
}

/** A FIFO of silent ports in typed arrays (a ring that doubles when it is full): a quarter of a million of them cost 5 MiB. */
export class RetryQueue {
  #capacity = 1024
  #hosts = new Uint32Array(1024)
  #ports = new Uint16Array(1024)
  #attempts = new Uint8Array(1024)
  #intervals = new Uint32Array(1024)
  #doubts = new Float32Array(1024)
  #first = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(host: number, port: number, attempts: number, interval: number, doubt: number): void {
    if (this.#length === this.#capacity) this.#grow()
    const at = (this.#first + this.#length++) % this.#capacity
    this.#hosts[at] = host
    this.#ports[at] = port
    this.#attempts[at] = Math.min(attempts, 255)
    this.#intervals[at] = interval
    this.#doubts[at] = doubt
  }

  /** The host of the oldest. */
  get firstHost(): number | undefined {
    return this.#length === 0 ? undefined : this.#hosts[this.#first]
  }

  /** Takes the oldest into `into`, so that nothing is allocated; false when there is none. */
  shift(into: SilentPort): boolean {
    if (this.#length === 0) return false
    const at = this.#first
    into.host = this.#hosts[at] ?? 0
    into.port = this.#ports[at] ?? 0
    into.attempts = this.#attempts[at] ?? 0
    into.interval = this.#intervals[at] ?? 0
    into.doubt = this.#doubts[at] ?? 1
    this.#first = (at + 1) % this.#capacity
    this.#length--
    return true
  }

  #grow(): void {
    const grown = this.#capacity * 2
    this.#hosts = this.#unrolled(this.#hosts, new Uint32Array(grown))
    this.#ports = this.#unrolled(this.#ports, new Uint16Array(grown))
    this.#attempts = this.#unrolled(this.#attempts, new Uint8Array(grown))
    this.#intervals = this.#unrolled(this.#intervals, new Uint32Array(grown))
    this.#doubts = this.#unrolled(this.#doubts, new Float32Array(grown))
    this.#first = 0
    this.#capacity = grown
  }

  #unrolled<T extends Uint32Array | Uint16Array | Uint8Array | Float32Array>(from: T, to: T): T {
    to.set(from.subarray(this.#first))
    to.set(from.subarray(0, this.#first), this.#capacity - this.#first)
    return to
  }
}
