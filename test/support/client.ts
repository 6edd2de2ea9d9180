import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A plain TCP client that keeps what it receives. */
export class TestClient {
  readonly socket: Socket
  #received: Buffer[] = []
  #length = 0
  #ended = false
  #closed = false
  #wake: (() => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk)
      this.#length += chunk.length
      this.#notify()
    })
    socket.on('end', () => {
      this.#ended = true
      this.#notify()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#closed = true
      this.#notify()
    })
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<TestClient> {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true })
    await once(socket, 'connect')
    return new TestClient(socket)
  }

  get received(): Buffer {
    return Buffer.concat(this.#received)
  }

  get text(): string {
    return this.received.toString()
  }

  /** The server's FIN came. */
  get ended(): boolean {
    return this.#ended
  }

  write(data: string | Uint8Array): this {
    this.socket.write(data)
    return this
  }

  /** Half-closes. */
  end(data?: string | Uint8Array): this {
    if (data === undefined) this.socket.end()
    else this.socket.end(data)
    return this
  }

  /** Resolves when so many bytes have come, or the server has ended. */
  async bytes(count: number): Promise<Buffer> {
    while (this.#length < count && !this.#ended && !this.#closed) await this.#change()
    return this.received
  }

  /** Resolves with everything once the server has sent its FIN or the connection is gone. */
  async all(): Promise<Buffer> {
    while (!this.#ended && !this.#closed) await this.#change()
    return this.received
  }

  /** Resolves when the text contains this, or the condition holds. */
  async until(wanted: string | (() => boolean)): Promise<string> {
    const holds = typeof wanted === 'string' ? () => this.text.includes(wanted) : wanted
    while (!holds() && !this.#ended && !this.#closed) await this.#change()
    return this.text
  }

  destroy(): void {
    this.socket.destroy()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve)
    })
  }

  #notify(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const resolve of waiting) resolve()
  }
}
