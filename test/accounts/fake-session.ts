import type { DisconnectReason, NetlabEvent } from '../../src/base/events.ts'
import type { Dialect } from '../../src/net/dialect.ts'
import type { Session } from '../../src/net/session.ts'

/** A session of messages without a socket: the test is the client. */
export class FakeSession implements Session {
  readonly id = 7
  readonly peer: { readonly address: string; readonly port: number }
  readonly secure: boolean
  readonly offersTls: boolean
  readonly sent: string[] = []
  readonly events: NetlabEvent[] = []
  ended: string | undefined
  maxMessageBytes = 0
  userName: string | undefined
  readonly #dialect: Dialect
  readonly #leaving = new AbortController()
  readonly #inbox: (string | undefined)[] = []
  #waiting: ((text: string | undefined) => void) | undefined
  #wake: (() => void)[] = []

  constructor(
    dialect: Dialect,
    {
      address = '192.0.2.7',
      secure = true,
      offersTls = true,
    }: { address?: string; secure?: boolean; offersTls?: boolean } = {},
  ) {
    this.#dialect = dialect
    this.peer = { address, port: 40_000 }
    this.secure = secure
    this.offersTls = offersTls
  }

  get signal(): AbortSignal {
    return this.#leaving.signal
  }

  async dialect(): Promise<Dialect> {
    return this.#dialect
  }

  receive(): Promise<string | undefined> {
    if (this.#inbox.length > 0 || this.ended !== undefined) return Promise.resolve(this.#inbox.shift())
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  send(text: string): void {
    this.sent.push(text)
    this.#notify()
  }

  end(reason: DisconnectReason, detail?: string): void {
    if (this.ended !== undefined) return
    this.ended = detail === undefined ? reason : `${reason}: ${detail}`
    this.#leaving.abort()
    this.#give(undefined)
    this.#notify()
  }

  readonly queuedBytes = 0
  readonly pingMs = 15_000
  /** The client has promised to answer pings. */
  pinged = false

  ping(): void {
    this.pinged = true
  }

  bytes(): void {
    throw new Error('this session has messages only')
  }

  write(): void {
    throw new Error('this session has messages only')
  }

  requestStop(): string {
    return 'not from here'
  }

  record(event: NetlabEvent): void {
    this.events.push(event)
    this.#notify()
  }

  /** The client sends lines, or messages as frames. */
  says(...what: (string | object)[]): this {
    for (const one of what) this.#give(typeof one === 'string' ? one : JSON.stringify(one))
    return this
  }

  /** The client sends its last byte, and still listens. */
  halfCloses(): this {
    this.#give(undefined)
    return this
  }

  /** The client is gone. */
  leaves(): void {
    this.#leaving.abort()
    this.#give(undefined)
  }

  /** What was sent, as messages. */
  get messages(): Record<string, unknown>[] {
    return this.sent.map((text) => JSON.parse(text))
  }

  /** Resolves once something was sent that contains this. */
  async hears(text: string): Promise<string> {
    for (;;) {
      const found = this.sent.find((one) => one.includes(text))
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve)
      })
    }
  }

  #give(text: string | undefined): void {
    const take = this.#waiting
    this.#waiting = undefined
    if (take === undefined) this.#inbox.push(text)
    else take(text)
  }

  #notify(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const resolve of waiting) resolve()
  }
}
