import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ChatMessage, ChatServerMessage } from '../../src/chat/message.ts'
import { encodeFrames, FrameDecoder } from '../../src/net/frame-codec.ts'
import { inTime } from './event-loop.ts'

type Heard = ChatServerMessage | { readonly type: 'welcome'; readonly token?: string }

/**
 * A program in the chat that numbers what it says, and comes back after a broken connection: with its token, to where it
 * was, saying again what was not acknowledged.
 */
export class ChatClient {
  readonly name: string
  /** Own messages: client id → id from the server. */
  readonly acknowledged = new Map<string, number>()
  /** Every message heard in #lobby, in order of arrival, each once. */
  readonly heard: ChatMessage[] = []
  /** Ids that came again although the room was resumed after them; answers to resends are not counted. */
  readonly repeated: number[] = []
  readonly #unacknowledged = new Map<string, string>()
  #token: string | undefined
  #socket: Socket | undefined
  #count = 0
  #wake: (() => void) | undefined

  constructor(name: string) {
    this.name = name
  }

  get unacknowledged(): number {
    return this.#unacknowledged.size
  }

  get lastId(): number {
    return this.heard.at(-1)?.id ?? 0
  }

  /** Logs in, enters the lobby where it was left, and sends again what nobody has answered. */
  async come(port: number): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    this.#socket = socket
    const decoder = new FrameDecoder()
    const password = `correct horse ${this.name}`
    const entered = new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => {
        for (const frame of decoder.push(chunk)) {
          const message: Heard = JSON.parse(frame.toString())
          if (message.type === 'welcome') {
            this.#token = message.token ?? this.#token
            this.#send({ type: 'enter', resume: { lobby: this.lastId } })
          } else if (message.type === 'joined') resolve()
          else this.#hear(message)
        }
        this.#wake?.()
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        reject(new Error('the server closed the connection'))
        this.#wake?.()
      })
    })
    this.#send(
      this.#token === undefined
        ? { type: 'register', name: this.name, password }
        : { type: 'resume', token: this.#token },
    )
    await entered
    this.#send(...[...this.#unacknowledged].map(([cid, text]) => ({ type: 'say', room: 'lobby', text, cid })))
  }

  /** Says so many new messages. */
  say(count: number): void {
    const messages = Array.from({ length: count }, () => {
      this.#count += 1
      const cid = `${this.name}-${this.#count}`
      this.#unacknowledged.set(cid, cid)
      return { type: 'say', room: 'lobby', text: cid, cid }
    })
    this.#send(...messages)
  }

  /** Resolves when this is so, or the connection is gone. */
  async until(met: () => boolean): Promise<void> {
    while (!met() && !this.isGone) {
      const change = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await inTime(change, `what ${this.name} waits for`)
    }
  }

  /** Whether there is no connection, or none any more. */
  get isGone(): boolean {
    return this.#socket?.destroyed !== false
  }

  leave(): void {
    this.#socket?.destroy()
  }

  #send(...messages: readonly object[]): void {
    if (messages.length > 0 && this.#socket?.writable === true)
      this.#socket.write(encodeFrames(messages.map((message) => JSON.stringify(message))))
  }

  #hear(message: Heard): void {
    if (message.type === 'message') this.#take(message)
    if (message.type !== 'history') return
    for (const old of message.messages) this.#take(old)
    if (message.more) this.#send({ type: 'history', room: 'lobby', range: { after: this.lastId } })
  }

  #take(message: ChatMessage): void {
    const own = message.from === this.name && message.cid !== undefined ? message.cid : undefined
    const known = own === undefined ? undefined : this.acknowledged.get(own)
    if (own !== undefined) {
      this.#unacknowledged.delete(own)
      this.acknowledged.set(own, message.id)
    }
    if (message.id > this.lastId) this.heard.push(message)
    else if (known === undefined || known !== message.id) this.repeated.push(message.id)
  }
}
