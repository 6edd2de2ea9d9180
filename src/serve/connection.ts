import type { Clock } from '../base/clock.ts'
import { errorCode, errorMessage, ProtocolError } from '../base/errors.ts'
import type { DisconnectReason, EventSink, NetlabEvent, Peer } from '../base/events.ts'
import { isSilence } from '../net/connect-error.ts'
import type { Dialect, Framing } from '../net/dialect.ts'
import { httpMethod, httpRefusal } from '../net/foreign-protocol.ts'
import type { MessageSocket } from '../net/framed-socket.ts'
import { netLimits } from '../net/limits.ts'
import { Liveness, tcpSilenceMs } from '../net/liveness.ts'
import { MessageTransport } from '../net/message-transport.ts'
import { beginsWithProxyHeader } from '../net/proxy-protocol.ts'
import type { ByteReader, Session } from '../net/session.ts'
import type { ReadTcpState } from '../net/tcp-state.ts'
import type { BufferLedger, Holder } from './buffer-budget.ts'
import { ClientSocket, type SocketOwner } from './client-socket.ts'
import { serveLimits } from './limits.ts'
import type { ServeConfig } from './options.ts'
import type { Origin } from './origin.ts'
import type { TransferredSocket } from './socket-transfer.ts'
import type { Entered } from './tls-entry.ts'

/** One for all: Node makes a new one for each `abort` without a reason, which costs more than all else of an end. */
const over = new Error('the conversation is over')

/** What a connection needs of the thread that serves it. */
export interface ConnectionHost {
  readonly clock: Clock
  readonly record: EventSink
  readonly framing: Framing
  readonly allowStop: ServeConfig['allowStop']
  readonly offersTls: boolean
  readonly ledger: BufferLedger
  /** The connection holds memory that counts from now on, or none any more; as `heldBytes` says. */
  holds(connection: Connection): void
  /** Whether the turn of the loop has lasted long already; `nowMs` is the time of a read in it. */
  isLongTurn(nowMs: number): boolean
  /** Runs the callback in the next turn of the loop. */
  nextTurn(callback: () => void): void
  /** It waits for memory, and wants to be looked at again (see `goOn`). */
  waits(connection: Connection): void
  readonly pingMs: number
  /** How to ask the system about a connection; undefined where that can't be, or not yet. */
  readTcp(): ReadTcpState | undefined
  /** Secrets may travel readable for whoever is on the way. */
  readonly insecure: boolean
  /** Some peers are proxies that send a header, and others may not send any. */
  readonly expectsProxies: boolean
  /** The number of the thread. */
  readonly thread: number
  /** The thread's shared buffer for reads of this size. */
  readBuffer(bytes: number): Buffer
  /** Someone who may do so asked for the end of the server. */
  stopRequested(by: string): void
  /** Our FIN is sent or on its way; the connection wants to be looked at again (see `expire`). */
  closing(connection: Connection): void
  /** Part of a message may have come; the connection wants to be looked at again (see `lookAtRest`). */
  waitsForRest(connection: Connection): void
  /** The socket is closed. */
  closed(connection: Connection): void
}

/** A client's connection in the thread that serves it: the session a protocol sees, over the socket it doesn't. */
export class Connection implements Session, SocketOwner, Holder {
  readonly id: number
  readonly clock: Clock
  #origin: Origin
  #encrypted = false
  #announced = false
  /** The first bytes, as long as they could be a proxy's header that this peer may not send. */
  #opening: Buffer | undefined = Buffer.alloc(0)
  userName: string | undefined
  receivedBytes = 0
  sentBytes = 0
  /** Monotonic time of the last byte in either direction, apart from pings. */
  activeMs: number
  readonly #liveness: Liveness
  /** What a peer is asked that has promised an answer. */
  #question: Uint8Array | undefined
  readonly #openedMs: number
  readonly #host: ConnectionHost
  readonly #socket: ClientSocket
  #reader: ByteReader | undefined
  #messages: MessageTransport | undefined
  #reason: DisconnectReason | undefined
  #detail: string | undefined
  #abort: AbortController | undefined
  /** What is counted in the ledger. */
  #heldBytes = 0
  /** Of a TLS handshake under way. */
  #handshakeBytes = 0
  /** Reading is paused because memory is short. */
  #waits = false
  #onRoom: (() => void) | undefined
  /** It has been told of a line that does not end. */
  #isHinted = false

  constructor(id: number, origin: Origin, transferred: TransferredSocket, host: ConnectionHost) {
    this.id = id
    this.clock = host.clock
    this.#origin = origin
    this.#host = host
    this.#openedMs = host.clock.monotonic()
    this.activeMs = this.#openedMs
    this.#liveness = new Liveness(tcpSilenceMs(host.pingMs))
    this.#socket = new ClientSocket(transferred, this)
  }

  get peer(): Peer {
    return this.#origin.peer
  }

  /** All of the way is inside this machine. */
  get local(): boolean {
    return this.#origin.local
  }

  get secure(): boolean {
    return this.#origin.secure || this.#encrypted || this.#host.insecure
  }

  get offersTls(): boolean {
    return this.#host.offersTls
  }

  get pingMs(): number {
    return this.#host.pingMs
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#reason !== undefined) this.#abort.abort(over)
    return this.#abort.signal
  }

  get queuedBytes(): number {
    return this.#socket.queuedBytes
  }

  /** Puts it into the log, once it is known who comes. */
  announce(): void {
    if (this.#announced) return
    this.#announced = true
    this.record({ type: 'connected', id: this.id, peer: this.peer, thread: this.#host.thread })
  }

  /** Learns from a proxy for whom it speaks, before anything else. Resolves with false when it may not go on. */
  async learnOrigin(read: (plain: MessageSocket) => Promise<Origin>): Promise<boolean> {
    const plain = this.#socket.open()
    try {
      const origin = await read(plain)
      if (this.#reason !== undefined) return false
      this.#origin = origin
      return true
    } catch (error) {
      if (plain.writable)
        plain.write('netlab: from your address only proxies connect, which send a PROXY header first\n')
      this.fail(error)
      return false
    }
  }

  /**
   * Lets the client in through TLS, before any protocol talks to it. Resolves with false when it may not go on.
   */
  async enter(
    unwrap: (plain: MessageSocket, beforeHandshake: () => Promise<void>) => Promise<Entered>,
  ): Promise<boolean> {
    const plain = this.#socket.open()
    try {
      const { socket, encrypted } = await unwrap(plain, () => this.#roomForHandshake())
      this.#handshakeBytes = 0
      this.held()
      if (this.#reason !== undefined) return false
      this.#encrypted = encrypted
      this.#socket.replace(socket)
      return true
    } catch (error) {
      if (errorCode(error) === 'PLAINTEXT') refusePlaintext(plain, errorMessage(error))
      this.fail(error)
      return false
    }
  }

  bytes(reader: ByteReader): void {
    this.#reader = reader
    this.#socket.read(reader.portionBytes)
  }

  dialect(): Promise<Dialect> {
    return this.#speaking().dialect()
  }

  get maxMessageBytes(): number {
    return this.#speaking().maxMessageBytes
  }

  set maxMessageBytes(bytes: number) {
    this.#speaking().maxMessageBytes = bytes
  }

  receive(): Promise<string | undefined> {
    this.#speaking()
    const received = this.#socket.receive()
    if (this.#heldBytes !== 0) this.held()
    return received
  }

  send(text: string): void {
    this.#speaking()
    this.#socket.send(text)
  }

  write(bytes: Uint8Array): void {
    if (this.#reason !== undefined || bytes.length === 0) return
    this.sentBytes += bytes.length
    this.#host.record({ type: 'sent', id: this.id, bytes: bytes.length })
    this.#socket.write(bytes)
    // Nearly always nothing is queued, and then nothing is counted.
    if (this.#heldBytes !== 0 || this.#socket.queuedBytes > serveLimits.uncountedBytes) this.held()
  }

  ping(question: Uint8Array): void {
    this.#question = question
    this.#liveness.promised = true
  }

  /** To be called regularly: asks a silent peer whether it is there, and ends the conversation with one that is not. */
  lookForPeer(): void {
    if (this.#reason !== undefined) return
    const socket = this.#socket
    const look = this.#liveness.look({
      heardBytes: this.receivedBytes,
      sentBytes: this.sentBytes,
      reading: socket.reading,
      tcp: () => {
        const read = this.#host.readTcp()
        return read && socket.tcpState(read)
      },
    })
    if (look === 'gone') this.#abandon('no-answer')
    else if (look === 'ask' && this.#question !== undefined && socket.queuedBytes === 0) {
      this.sentBytes += this.#question.length
      socket.write(this.#question)
    }
  }

  end(reason: DisconnectReason, detail?: string): void {
    if (this.#reason !== undefined) return
    this.announce()
    this.#messages?.close()
    this.#reason = reason
    this.#detail = detail
    // A protocol hears of the end by its signal and by `receive`, not by its bytes.
    this.#abort?.abort(over)
    const patience =
      reason === 'protocol-error' || reason === 'no-login' ? serveLimits.lingerBytes : Number.POSITIVE_INFINITY
    if (this.#socket.close(patience)) this.#host.closing(this)
  }

  /** What is held for this client: messages that are not whole or not yet taken, answers that it has not taken, buffers. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  get isShort(): boolean {
    return this.#host.ledger.isShort
  }

  get isAmple(): boolean {
    return this.#host.ledger.isAmple
  }

  isLongTurn(): boolean {
    return this.#host.isLongTurn(this.activeMs)
  }

  nextTurn(callback: () => void): void {
    this.#host.nextTurn(callback)
  }

  /** Counts what is held now. Whoever holds more than its part while memory is short is read no further. */
  held(): void {
    const { queuedBytes, unreadBytes, streamBytes } = this.#socket
    const waiting = (this.#messages?.heldBytes ?? 0) + queuedBytes
    // A stream's buffer is given up with the next read, and nothing can pause a handshake.
    this.#count(waiting + unreadBytes + streamBytes + this.#handshakeBytes)
    if (this.#waits || this.#reason !== undefined || waiting <= serveLimits.uncountedBytes) return
    if (this.#host.ledger.mayHold(waiting)) return
    this.#waits = true
    this.#socket.pause()
    this.#host.waits(this)
  }

  /** Looks again whether there is room for one that waits. Returns whether it goes on. */
  goOn(): boolean {
    const wanted = this.#onRoom === undefined ? this.#heldBytes - this.#socket.streamBytes : serveLimits.handshakeBytes
    if (!this.#host.ledger.mayHold(wanted)) return false
    this.#waits = false
    if (this.#onRoom !== undefined) this.#beginHandshake(this.#onRoom)
    else if (!this.full) this.#socket.resume()
    return true
  }

  /** Ends it at once, for the memory that it holds. */
  cut(): void {
    this.#abandon('memory', `${this.#heldBytes} bytes were held for it`)
  }

  /** Ends it at once: what is queued is lost. */
  #abandon(reason: DisconnectReason, detail?: string): void {
    if (this.#reason === undefined) {
      this.#reason = reason
      this.#detail = detail
    }
    this.#messages?.close()
    this.#abort?.abort(over)
    this.#onRoom?.()
    this.#socket.destroy()
  }

  /** The operator wants it to end. A person is told so, as far as there is a conversation. */
  kick(reason: 'kicked' | 'banned'): void {
    this.#messages?.explain(
      reason === 'kicked' ? 'the operator ended this conversation' : 'your address is banned from this server',
    )
    this.end(reason)
  }

  /** The protocol has nothing more to say. */
  done(): void {
    this.end(this.#socket.peerHasEnded ? 'peer-closed' : 'exit')
  }

  /** The protocol's code threw, or the peer broke the protocol. */
  fail(error: unknown): void {
    if (error instanceof ProtocolError) {
      this.#messages?.explain(error.message)
      this.end('protocol-error', error.message)
    } else {
      const detail = error instanceof Error ? (error.stack ?? error.message) : errorMessage(error)
      this.record({ type: 'fault', where: `client ${this.id}`, error: detail })
      this.end('fault')
    }
  }

  /** Ends at once what should have ended by `nowMs`. Returns whether there is nothing left to wait for. */
  expire(nowMs: number): boolean {
    return this.#socket.expire(nowMs)
  }

  requestStop(foreign?: string): string | undefined {
    const refusal = stopRefusal(this.#host.allowStop, this.#origin, foreign)
    if (refusal !== undefined) {
      this.record({ type: 'stop-refused', id: this.id, peer: this.peer, rule: refusal.rule })
      return `stop refused: ${refusal.why}`
    }
    this.#host.stopRequested(`client ${this.id}`)
    return undefined
  }

  record(event: NetlabEvent): void {
    this.#host.record(event)
  }

  get full(): boolean {
    return this.#waits || this.#messages?.full === true
  }

  readBuffer(bytes: number): Buffer {
    return this.#host.readBuffer(bytes)
  }

  chunk(bytes: Buffer): void {
    const isPong = this.#question !== undefined && isOnlyPong(bytes)
    if (!isPong) this.activeMs = this.clock.monotonic()
    // After the end nothing is kept of what still comes.
    if (this.#reason !== undefined) return
    this.receivedBytes += bytes.length
    if (!isPong) this.#host.record({ type: 'received', id: this.id, bytes: bytes.length })
    try {
      if (this.#opening !== undefined) this.#refuseProxyHeader(this.#opening, bytes)
      if (this.#reader !== undefined) this.#reader.chunk(bytes)
      else this.#messages?.push(bytes)
    } catch (error) {
      this.fail(error)
    }
    if (!this.#isHinted && this.#messages?.hasRest === true) this.#host.waitsForRest(this)
    if (this.#heldBytes !== 0 || (this.#messages?.heldBytes ?? 0) > serveLimits.uncountedBytes) this.held()
  }

  /** Tells once of a line or frame whose end does not come. Returns whether there is nothing more to wait for. */
  lookAtRest(nowMs: number): boolean {
    const messages = this.#messages
    if (this.#reason !== undefined || messages === undefined || !messages.hasRest) return true
    const waitedMs = Math.round(nowMs - this.activeMs)
    const { unfinished } = messages
    if (unfinished === undefined || waitedMs < serveLimits.unfinishedMs) return false
    this.#isHinted = true
    const { dialect, bytes } = unfinished
    this.record({
      type: 'unfinished',
      id: this.id,
      peer: this.peer,
      unit: dialect === 'text' ? 'line' : 'frame',
      bytes,
      waitedMs,
    })
    if (dialect === 'text')
      messages.send(`A line ends with a line feed ("\\n"); what has come, ${bytes} bytes, waits for it.`)
    return true
  }

  drained(): void {
    this.activeMs = this.clock.monotonic()
    this.held()
  }

  peerEnded(): void {
    if (this.#reason !== undefined) return
    try {
      if (this.#reader !== undefined) this.#reader.end()
      else if (this.#messages !== undefined) this.#messages.end()
      else this.end('peer-closed')
    } catch (error) {
      this.fail(error)
    }
  }

  broken(code: string): void {
    this.#reason ??= isSilence(code) ? 'no-answer' : 'peer-reset'
    this.#detail ??= code
  }

  closed(): void {
    this.announce()
    const { id, peer } = this
    this.#messages?.discard()
    this.#reason ??= 'peer-closed'
    this.#abort?.abort(over)
    this.#onRoom?.()
    this.#count(0)
    this.#host.record({
      type: 'disconnected',
      id,
      peer,
      reason: this.#reason,
      ...(this.#detail !== undefined && { detail: this.#detail }),
      received: this.receivedBytes,
      sent: this.sentBytes,
      durationMs: Math.round(this.clock.monotonic() - this.#openedMs),
    })
    this.#host.closed(this)
  }

  #count(bytes: number): void {
    const after = bytes <= serveLimits.uncountedBytes ? 0 : bytes
    if (after === this.#heldBytes) return
    this.#host.ledger.change(this.#heldBytes, after)
    this.#heldBytes = after
    this.#host.holds(this)
  }

  /** Resolves when there is memory for a handshake, which is counted then, or when the connection has ended. */
  #roomForHandshake(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#host.ledger.mayHold(serveLimits.handshakeBytes)) {
        this.#beginHandshake(resolve)
        return
      }
      this.#waits = true
      this.#onRoom = resolve
      this.held()
      this.#host.waits(this)
    })
  }

  /** Counts at once: others ask for the same room in this turn. */
  #beginHandshake(begin: () => void): void {
    this.#onRoom = undefined
    if (this.#reason === undefined) this.#handshakeBytes = serveLimits.handshakeBytes
    this.held()
    begin()
  }

  /** @throws {ProtocolError} PROXY_HEADER where nobody, or nobody else, may send one; a server of bytes may not care */
  #refuseProxyHeader(opening: Buffer, more: Buffer): void {
    if (this.#reader !== undefined && !this.#host.expectsProxies) {
      this.#opening = undefined
      return
    }
    const bytes = Buffer.concat([opening, more.subarray(0, 16)])
    const begins = beginsWithProxyHeader(bytes)
    this.#opening = begins === undefined ? bytes : undefined
    if (begins !== true) return
    const { address } = this.peer
    throw new ProtocolError('PROXY_HEADER', `a PROXY header from ${address}, which --proxy-protocol does not name`)
  }

  /** The messages of this connection, whose bytes are then read for them. */
  #speaking(): MessageTransport {
    if (this.#messages !== undefined) return this.#messages
    const socket = this.#socket
    this.#messages = new MessageTransport(this.#host, {
      write: (bytes) => {
        this.write(bytes)
        return true
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      defer: setImmediate,
    })
    this.#messages.maxMessageBytes = netLimits.firstMessageBytes
    socket.speak(this.#messages)
    return this.#messages
  }
}

/** An answer to a ping is nothing that anybody said. What a peer quotes has its quotation marks escaped. */
function isOnlyPong(bytes: Buffer): boolean {
  return bytes.length <= serveLimits.pongBytes && /"type"\s*:\s*"pong"/.test(bytes.toString('latin1'))
}

/** In HTTP where the first bytes, which are still to be read, are a request: a browser shows it then. */
function refusePlaintext(plain: MessageSocket, why: string): void {
  const first: Buffer | null = plain.read()
  const method = httpMethod(first?.toString('latin1') ?? '')
  const sentence = `netlab: ${why}; use: netlab connect --tls`
  plain.write(method === undefined ? `${sentence}\n` : httpRefusal(method, sentence))
}

type StopRule = Extract<NetlabEvent, { readonly type: 'stop-refused' }>['rule']

/** Why this peer may not stop the server, in a word for the log and a sentence for the peer; `undefined` when it may. */
function stopRefusal(
  rule: ServeConfig['allowStop'],
  { local, proxied }: Origin,
  foreign: string | undefined,
): { readonly rule: StopRule; readonly why: string } | undefined {
  if (rule === 'never') return { rule, why: 'this server is stopped by its operator only' }
  if (proxied) return { rule: 'proxied', why: 'nobody stops this server through a proxy' }
  if (foreign !== undefined) {
    return {
      rule: 'foreign',
      why: `what came before it looks like ${foreign}; connect anew and say nothing else first`,
    }
  }
  if (rule === 'any' || local) return undefined
  const why = 'this server is stopped from its own machine only'
  return { rule, why }
}
