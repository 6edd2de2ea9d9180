import type { Clock } from '../../base/clock.ts'

/** Bytes sent and received, as they were on the wire: with the lengths of frames, without TLS. */
export class TrafficStats {
  #sentBytes = 0
  #receivedBytes = 0
  /** Called with each portion, `sent 6 bytes`, and the totals so far. */
  onTraffic: (portion: string, totals: string) => void = () => undefined

  sent(bytes: number): void {
    this.#sentBytes += bytes
    this.onTraffic(`sent ${countBytes(bytes)}`, this.totals)
  }

  received(bytes: number): void {
    this.#receivedBytes += bytes
    this.onTraffic(`received ${countBytes(bytes)}`, this.totals)
  }

  /** Nobody has said anything. */
  get isSilent(): boolean {
    return this.#sentBytes === 0 && this.#receivedBytes === 0
  }

  get totals(): string {
    return `sent ${countBytes(this.#sentBytes)}, received ${countBytes(this.#receivedBytes)}`
  }
}

function countBytes(bytes: number): string {
  return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
}

/** What a row shows; 80 columns hold no more. */
const rowBytes = 16

/**
 * A hex dump of both directions of a connection. Each portion begins with the time of day (UTC), `>` for sent or `<` for
 * received, and its size; then, in 80 columns, offsets within the direction, sixteen bytes in hex, and the same as ASCII.
 */
export class HexDump {
  readonly #clock: Clock
  #sentBytes = 0
  #receivedBytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Rows for bytes on their way to the server. */
  sent(bytes: Buffer): string {
    const dump = this.#rows('>', bytes, this.#sentBytes)
    this.#sentBytes += bytes.length
    return dump
  }

  /** Rows for bytes that came from the server. */
  received(bytes: Buffer): string {
    const dump = this.#rows('<', bytes, this.#receivedBytes)
    this.#receivedBytes += bytes.length
    return dump
  }

  #rows(mark: '>' | '<', bytes: Buffer, offset: number): string {
    const time = new Date(this.#clock.now()).toISOString().slice(11)
    let rows = `${mark} ${time} ${countBytes(bytes.length)}\n`
    for (let at = 0; at < bytes.length; at += rowBytes) {
      rows += `${mark} ${row(bytes.subarray(at, at + rowBytes), offset + at)}\n`
    }
    return rows
  }
}

function row(bytes: Buffer, offset: number): string {
  const hex = bytes
    .toString('hex')
    .replace(/../g, '$& ')
    .padEnd(3 * rowBytes)
  const ascii = bytes.toString('latin1').replace(/[^ -~]/g, '.')
  return `${offset.toString(16).padStart(8, '0')}  ${hex.slice(0, 24)} ${hex.slice(24)} |${ascii}|`
}
