/** A port that stayed silent, waiting for its next attempt. */
export interface Waiting {
  /** Which host, by its number in the scan's table. */
  host: number
  port: number
  /** Attempts made. */
  attempts: number
  /** The epoch in which the last of them was sent. */
  epoch: number
  /** The chance that all attempts before the last one were lost although the port is open. */
  doubt: number
}

/** First in, first out, in typed arrays: a quarter of a million silent ports cost 5 MiB. */
export class RetryQueue {
  #capacity = 1024
  #hosts = new Uint32Array(1024)
  #ports = new Uint16Array(1024)
  #attempts = new Uint8Array(1024)
  #epochs = new Uint32Array(1024)
  #doubts = new Float32Array(1024)
  #first = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(host: number, port: number, attempts: number, epoch: number, doubt: number): void {
    if (this.#length === this.#capacity) this.#grow()
    const at = (this.#first + this.#length++) % this.#capacity
    this.#hosts[at] = host
    this.#ports[at] = port
    this.#attempts[at] = Math.min(attempts, 255)
    this.#epochs[at] = epoch
    this.#doubts[at] = doubt
  }

  /** Takes the oldest into `into`; false when there is none. */
  shift(into: Waiting): boolean {
    if (this.#length === 0) return false
    const at = this.#first
    into.host = this.#hosts[at] ?? 0
    into.port = this.#ports[at] ?? 0
    into.attempts = this.#attempts[at] ?? 0
    into.epoch = this.#epochs[at] ?? 0
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
    this.#epochs = this.#unrolled(this.#epochs, new Uint32Array(grown))
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
