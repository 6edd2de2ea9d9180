import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { encodeFrames, FrameDecoder } from '../../src/net/frame-codec.ts'

/** What a server says, as far as the benchmarks look at it. */
export interface Answer {
  readonly type: string
  readonly reason?: string
  readonly token?: string
  readonly retryMs?: number
}

/** A client that speaks frames of JSON. */
export class FrameClient {
  readonly #socket: Socket
  readonly #inbox: Answer[] = []
  #wake: (() => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    const decoder = new FrameDecoder()
    socket.on('data', (chunk: Buffer) => {
      for (const frame of decoder.push(chunk)) this.#inbox.push(JSON.parse(frame.toString()))
      this.#wake?.()
    })
    socket.on('close', () => {
      this.#inbox.push({ type: 'closed' })
      this.#wake?.()
    })
    socket.on('error', () => {})
  }

  static async connect(port: number): Promise<FrameClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    const client = new FrameClient(socket)
    // A silent client is taken for a person. (An echo server sends it back, which is skipped like any greeting.)
    client.send({ type: 'hello' })
    return client
  }

  send(...messages: readonly object[]): void {
    this.#socket.write(encodeFrames(messages.map((message) => JSON.stringify(message))))
  }

  /** The next answer that is neither a greeting nor a notice. */
  async next(): Promise<Answer> {
    for (;;) {
      const answer = this.#inbox.shift()
      if (answer !== undefined && answer.type !== 'hello' && answer.type !== 'wait') return answer
      if (answer === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  async ask(message: object): Promise<Answer> {
    this.send(message)
    return this.next()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
