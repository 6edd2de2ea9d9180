import type { Clock } from '../../base/clock.ts'

/** What is said about a connection while it lasts and at its end. Byte counts are those of the wire. */
export class Talk {
  readonly #say: (line: string) => void
  readonly #clock: Clock
  #connectedAt = 0
  #sentBytes = 0
  #receivedBytes = 0
  /** Told of each portion: `sent 6 bytes`. */
  onTraffic: (portion: string, totals: string) => void = () => undefined

  /** @param say takes one line without its end. */
  constructor(say: (line: string) => void, clock: Clock) {
    this.#say = say
    this.#clock = clock
  }

  /** @param where undefined when that was said before. */
  connected(where: string | undefined): void {
    this.#connectedAt = this.#clock.monotonic()
    if (where !== undefined) this.#say(`connected to ${where}`)
  }

  sent(bytes: number): void {
    this.#sentBytes += bytes
    this.onTraffic(`sent ${countBytes(bytes)}`, this.totals)
  }

  received(bytes: number): void {
    this.#receivedBytes += bytes
    this.onTraffic(`received ${countBytes(bytes)}`, this.totals)
  }

  get totals(): string {
    return `sent ${countBytes(this.#sentBytes)}, received ${countBytes(this.#receivedBytes)}`
  }

  disconnected(how: string): void {
    this.#say(`disconnected after ${span(this.#clock.monotonic() - this.#connectedAt)}, ${this.totals}: ${how}`)
  }
}

export function countBytes(bytes: number): string {
  return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
}

function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
