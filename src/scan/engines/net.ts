import { Socket } from 'node:net'
import { type Clock, Deadline, type Timer } from '../../base/clock.ts'
import { scanLimits } from '../limits.ts'
import type { HostAddress } from '../types.ts'
import { CONNECTED, type ConnectOutcome, type Engine, SELF_CONNECTED, type Settled } from './engine.ts'

interface ConnectAttempt {
  readonly socket: Socket
  readonly startedMs: number
}

/** Connects with `node:net`: works wherever Node does. */
export class NetEngine implements Engine {
  readonly name = 'net'
  readonly #attempts: (ConnectAttempt | undefined)[] = []
  readonly #clock: Clock
  readonly #settled: Settled

  /** Nobody reads the stack of a refused connect, and collecting it would cost a third of the time. */
  readonly #stackTraceLimit = Error.stackTraceLimit

  constructor(clock: Clock, settled: Settled) {
    Error.stackTraceLimit = 0
    this.#clock = clock
    this.#settled = settled
  }

  connect(ticket: number, { address }: HostAddress, port: number, bannerMs: number): void {
    const socket = new Socket()
    const attempt = { socket, startedMs: this.#clock.monotonic() }
    this.#attempts[ticket] = attempt
    socket.once('error', (error: NodeJS.ErrnoException) => {
      this.#settle(ticket, attempt, Math.abs(error.errno ?? 0) || UNKNOWN_ERRNO)
    })
    socket.once('connect', () => this.#connected(ticket, attempt, bannerMs))
    socket.connect({ host: address, port, autoSelectFamily: false })
  }

  abandon(ticket: number): void {
    const attempt = this.#attempts[ticket]
    this.#attempts[ticket] = undefined
    if (attempt !== undefined) discard(attempt.socket)
  }

  // Node delivers what has happened between two timers.
  poll(): void {}

  close(): void {
    for (const ticket of this.#attempts.keys()) this.abandon(ticket)
    Error.stackTraceLimit = this.#stackTraceLimit
  }

  #connected(ticket: number, attempt: ConnectAttempt, bannerMs: number): void {
    const { socket } = attempt
    const rttMs = this.#clock.monotonic() - attempt.startedMs
    if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
      this.#settle(ticket, attempt, SELF_CONNECTED)
    } else if (bannerMs > 0) {
      readBanner(socket, this.#clock, bannerMs, (banner) => this.#settle(ticket, attempt, CONNECTED, rttMs, banner))
    } else {
      this.#settle(ticket, attempt, CONNECTED, rttMs)
    }
  }

  #settle(ticket: number, attempt: ConnectAttempt, outcome: ConnectOutcome, rttMs?: number, banner?: Uint8Array): void {
    // An abandoned attempt's late event; its ticket may already belong to another.
    if (this.#attempts[ticket] !== attempt) return
    this.#attempts[ticket] = undefined
    discard(attempt.socket)
    this.#settled(ticket, outcome, rttMs ?? this.#clock.monotonic() - attempt.startedMs, banner)
  }
}

/** EIO: for an error that carries no number; reported as a local error, never as an answer. */
const UNKNOWN_ERRNO = 5

function discard(socket: Socket): void {
  socket.on('error', ignore)
  // RST only what connected: it leaves no TIME_WAIT behind, and a socket that never connected has nothing to reset.
  if (socket.pending || socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}

/** The socket was given up; what becomes of it concerns nobody. */
function ignore(): void {}

/** What the service says first: until it pauses, closes, has said enough, or `bannerMs` passed. */
function readBanner(socket: Socket, clock: Clock, bannerMs: number, done: (banner?: Uint8Array) => void): void {
  const chunks: Buffer[] = []
  const end = new Deadline(clock, bannerMs)
  let bytes = 0
  let timer: Timer = clock.after(bannerMs, finish)
  function finish(): void {
    timer.cancel()
    done(bytes > 0 ? Buffer.concat(chunks).subarray(0, scanLimits.bannerBytes) : undefined)
  }
  // Connected once is open, whatever happens next.
  socket.removeAllListeners('error')
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    bytes += chunk.length
    timer.cancel()
    if (bytes >= scanLimits.bannerBytes) finish()
    else timer = clock.after(Math.min(scanLimits.bannerPauseMs, end.leftMs), finish)
  })
  socket.once('end', finish)
  socket.once('error', finish)
}
