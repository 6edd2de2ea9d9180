import { limits } from '../../base/limits.ts'
import type { ScanHost } from '../types.ts'
import { HostTrack } from './host-track.ts'
import { portOrder } from './port-order.ts'

/**
 * The hosts being scanned. They are taken up as earlier ones are finished, so that a /12 costs no memory, and asked in
 * turn, so that no host gets the whole rate while others wait.
 */
export class HostTable {
  readonly #source: Iterator<ScanHost>
  readonly #order: Uint16Array
  readonly #tracks = new Map<number, HostTrack>()
  /** Those with ports that were never tried. */
  readonly #fresh: HostTrack[] = []
  #turn = 0
  #taken = 0
  #unresolved = 0
  #untried = 0
  #exhausted = false

  constructor(hosts: Iterable<ScanHost>, ports: readonly number[]) {
    this.#source = hosts[Symbol.iterator]()
    this.#order = portOrder(ports)
    this.#exhausted = ports.length === 0
  }

  /** Every port of every host has its final answer. */
  get isDone(): boolean {
    this.#admit()
    return this.#exhausted && this.#unresolved === 0
  }

  /** The hosts that are not finished. */
  get active(): Iterable<HostTrack> {
    return this.#tracks.values()
  }

  /** How many of them. */
  get activeCount(): number {
    return this.#tracks.size
  }

  /** Ports of the hosts taken up that were never tried. */
  get untried(): number {
    return this.#untried
  }

  get(number: number): HostTrack | undefined {
    return this.#tracks.get(number)
  }

  /** The host whose turn it is, if one may be asked; the port is `freshPort`, taken at once. */
  next(): HostTrack | undefined {
    this.#admit()
    if (this.#fresh.length === 0) return undefined
    for (let passed = 0; passed < this.#fresh.length; passed++) {
      this.#turn = (this.#turn + 1) % this.#fresh.length
      const track = this.#fresh[this.#turn]
      if (track?.presence !== 'silent') return track
    }
    return undefined
  }

  /** Takes the next never tried port of a host that `next` gave. */
  freshPort(track: HostTrack): number {
    const port = this.#order[track.cursor++] ?? 0
    this.#untried--
    if (track.cursor === this.#order.length) {
      const at = this.#fresh.indexOf(track)
      const last = this.#fresh.pop()
      if (last !== undefined && last !== track) this.#fresh[at] = last
    }
    return port
  }

  /** One port of the host has its final answer. */
  resolved(track: HostTrack): void {
    this.#unresolved--
    if (--track.unresolved === 0) this.#tracks.delete(track.number)
  }

  #admit(): void {
    while (!this.#exhausted && this.#unresolved < limits.scanUnresolved && this.#tracks.size < limits.scanHosts) {
      const { value, done } = this.#source.next()
      if (done === true) {
        this.#exhausted = true
        return
      }
      const track = new HostTrack(value, this.#taken++, this.#order.length)
      this.#tracks.set(track.number, track)
      this.#fresh.push(track)
      this.#unresolved += track.unresolved
      this.#untried += track.unresolved
    }
  }
}
