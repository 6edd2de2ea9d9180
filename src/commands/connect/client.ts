import { type Clock, systemClock } from '../../base/clock.ts'
import { type ExitCode, NetlabError, NetworkError } from '../../base/errors.ts'
import { printable } from '../../base/visible.ts'
import { formatEndpoint, plainAddress } from '../../net/address.ts'
import { connect } from '../../net/connect.ts'
import { lostError } from '../../net/connect-error.ts'
import { asksForTls } from '../../net/dialect.ts'
import type { FramedSocket } from '../../net/framed-socket.ts'
import type { Secured } from '../../net/framed-tls-socket.ts'
import { netLimits } from '../../net/limits.ts'
import { PeerWatch } from '../../net/liveness.ts'
import { PromptClosed } from '../../options/ask.ts'
import { formatTime } from '../../terminal/format.ts'
import type { CommandContext } from '../command.ts'
import { commandLimits } from '../limits.ts'
import type { Proof, ServerIdentity, ServerTrust } from './tls-trust.ts'
import { HexDump, TrafficStats } from './traffic.ts'

/** The server to connect to. */
export interface ConnectTarget {
  readonly host: string
  readonly port: number
  /** For connecting, and once more for the TLS handshake; 0 for as long as it takes. */
  readonly timeoutMs: number
  /** With TLS, how its certificate is judged. */
  readonly trust: ServerTrust | undefined
}

/** How a session with the server ended, in words and as an exit code. */
export interface ClientResult {
  readonly how: string
  readonly exit: ExitCode
}

/** How a session ended, by who ended it first. */
export const endedHere = 'this side ended it, and the server too'
export const endedThere = 'the server closed the connection'

/** Who is at the other end, and how we know. */
export interface ProvenIdentity extends ServerIdentity {
  readonly proof: Proof
}

interface OpenSocket {
  readonly socket: FramedSocket
  /** With TLS. */
  readonly identity?: ProvenIdentity
}

/** For a server that takes nobody without TLS. */
export function tlsOnlyError({ host, port }: Pick<ConnectTarget, 'host' | 'port'>): NetworkError {
  return new NetworkError('TLS_ONLY', `${formatEndpoint(host, port)} takes nobody without TLS`, { hint: 'use --tls' })
}

/** A connection to the server, with its traffic counted. */
export class ServerConnection {
  readonly socket: FramedSocket
  readonly traffic: TrafficStats
  /** Shown in place of the server's output. */
  readonly hex: HexDump | undefined
  /** With TLS. */
  readonly identity: ProvenIdentity | undefined
  /** Breaks the connection when the server answers no more. */
  readonly watch: PeerWatch
  readonly #target: Pick<ConnectTarget, 'host' | 'port'>

  constructor(
    socket: FramedSocket,
    target: Pick<ConnectTarget, 'host' | 'port'>,
    traffic: TrafficStats,
    hex: HexDump | undefined,
    identity?: ProvenIdentity,
    clock: Clock = systemClock,
  ) {
    this.socket = socket
    this.watch = new PeerWatch(socket, clock)
    this.identity = identity
    this.traffic = traffic
    this.hex = hex
    this.#target = target
  }

  /** The first bytes that were sent. */
  #firstSent: Buffer | undefined

  /** Writes and counts; false when the connection takes nothing any more. */
  send(bytes: Buffer): boolean {
    if (!this.socket.writable) return false
    this.traffic.sent(bytes.length)
    this.#firstSent ??= bytes.subarray(0, commandLimits.firstBytes)
    this.socket.write(bytes)
    return true
  }

  /** The error for a server that asks for TLS in all that it says; undefined for any other, and for the echo of our own words. */
  wantsTls(said: Buffer): NetworkError | undefined {
    if (this.identity !== undefined || !asksForTls(said)) return undefined
    return this.#isEcho(said) ? undefined : tlsOnlyError(this.#target)
  }

  #isEcho(said: Buffer): boolean {
    return this.#firstSent?.subarray(0, said.length).equals(said.subarray(0, this.#firstSent.length)) === true
  }

  /** The error for a server that turns us away in all that it says; undefined for any other, and for the echo of our own words. */
  refusal(said: Buffer): NetworkError | undefined {
    const tls = this.wantsTls(said)
    if (tls !== undefined) return tls
    const [, sentence] = /^netlab: ([^\n]+?)\r?\n?$/.exec(said.toString()) ?? []
    if (sentence === undefined || this.#isEcho(said)) return undefined
    return new NetworkError('TURNED_AWAY', `the server says: ${printable(sentence)}`)
  }

  /** The error of a connection that stood, in one sentence with a next step. */
  describe(error: unknown): NetworkError {
    return lostError(error, this.#target.host, this.#target.port)
  }
}

export interface ClientOptions {
  readonly target: ConnectTarget
  readonly hex: boolean
  readonly context: CommandContext
  /** Takes one line of diagnostics: what is not the server's answer. */
  report(line: string): void
}

/** Whether a person types and reads. */
export function isInteractive({ stdin, stdout }: CommandContext): boolean {
  return stdin.isTTY === true && stdout.isTTY === true
}

/** Connects to one server as often as it takes, and reports on each connection. */
export class Client {
  readonly #options: ClientOptions
  #announced = false

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /**
   * Connects, runs `session` on the connection, and closes it. The session may open further connections by `reconnect`;
   * their traffic is counted together. Reports that the connection stands and how it ended; no end is reported when
   * `session` came back with undefined, because the caller begins anew in another way.
   */
  async run(
    session: (
      connection: ServerConnection,
      reconnect: () => Promise<ServerConnection>,
    ) => Promise<ClientResult | undefined> | undefined,
  ): Promise<ClientResult | undefined> {
    const { target, context, hex, report } = this.#options
    const traffic = new TrafficStats()
    const dump = hex ? new HexDump(context.clock) : undefined
    const open = async (): Promise<ServerConnection> => {
      const { socket, identity } = await openSocket(target, context)
      return new ServerConnection(socket, target, traffic, dump, identity, context.clock)
    }
    const connection = await open()
    const { socket } = connection
    const connectedAt = context.clock.monotonic()
    if (!this.#announced) {
      const server = serverName(target, plainAddress(socket.remoteAddress ?? target.host))
      report(`connected to ${server}${isInteractive(context) ? '; Ctrl-D ends' : ''}`)
    }
    this.#announced = true
    let how: string | undefined
    try {
      const result = await session(connection, open)
      how = result?.how
      return result
    } catch (error) {
      how = endOf(error)
      throw error
    } finally {
      socket.destroy()
      if (how !== undefined) {
        const span = formatSpan(context.clock.monotonic() - connectedAt)
        report(`disconnected after ${span}, ${traffic.totals}: ${context.signal.aborted ? 'interrupted' : how}`)
      }
    }
  }
}

/**
 * Whether the server speaks TLS, tried on a connection of its own: one that takes nothing else keeps a plain client waiting.
 * False as well when it can't be found out in time.
 */
export async function serverSpeaksTls(
  target: Pick<ConnectTarget, 'host' | 'port'>,
  context: CommandContext,
): Promise<boolean> {
  const options = { ...target, clock: context.clock, signal: context.signal, timeoutMs: commandLimits.tlsProbeMs }
  try {
    const { connectTls } = await import('../../net/framed-tls-socket.ts')
    const { socket } = await connectTls(await connect(options), options)
    socket.destroy()
    return true
  } catch {
    return false
  }
}

/** Connects. Rejects with NetworkError, ProtocolError, StorageError or PromptClosed, or an abort's reason. */
async function openSocket(target: ConnectTarget, { clock, signal }: CommandContext): Promise<OpenSocket> {
  const { trust } = target
  if (trust === undefined) return { socket: await connect({ ...target, clock, signal }) }
  // Loaded only with TLS, since it takes a while; and before the connection stands, whose end would be missed meanwhile.
  const { clientContext, connectTls } = await import('../../net/framed-tls-socket.ts')
  const context = clientContext(trust.ca)
  const open = async (retries: number = commandLimits.helloRetryCount): Promise<Secured> => {
    const beganMs = clock.monotonic()
    const plain = await connect({ ...target, clock, signal })
    try {
      return await connectTls(plain, { ...target, ca: trust.ca, clock, signal }, context)
    } catch (error) {
      // Late, on a busy machine, it was taken for somebody who types, and answered with text.
      const wasLate = clock.monotonic() - beganMs > netLimits.dialectMs
      if (retries === 0 || !wasLate || !(error instanceof NetworkError) || !error.code.startsWith('ERR_SSL'))
        throw error
      return open(retries - 1)
    }
  }
  const judge = ({ socket, identity }: Secured): Proof | undefined => {
    try {
      return trust.check(identity)
    } catch (error) {
      socket.destroy()
      throw error
    }
  }
  const first = await open()
  const proof = judge(first)
  if (proof !== undefined) return { socket: first.socket, identity: { ...first.identity, proof } }
  // No server waits for what a person has to compare.
  first.socket.destroy()
  await trust.confirm(first.identity)
  const second = await open()
  return { socket: second.socket, identity: { ...second.identity, proof: judge(second) ?? 'new' } }
}

/** Of errors that say why the server closed. */
const endsOfTheServer: ReadonlySet<string> = new Set(['TLS_ONLY', 'TURNED_AWAY', 'SHORT', 'ENDED'])

/** What ended with this error, for the last line of diagnostics; the reason is told by the error itself. */
function endOf(error: unknown): string {
  if (error instanceof NetlabError && endsOfTheServer.has(error.code)) return endedThere
  if (error instanceof NetworkError)
    return error.code === 'NO_ANSWER' ? 'the server answers no more' : 'the connection broke'
  if (error instanceof PromptClosed) return 'a question was left unanswered'
  const code = error instanceof NetlabError ? error.code : undefined
  if (code === 'REVOKED') return 'the session is over'
  return code === 'REFUSED' ? 'the login was refused' : 'given up'
}

/** `localhost:9007 (127.0.0.1)` */
function serverName({ host, port }: ConnectTarget, address: string): string {
  return formatEndpoint(host, port) + (address === host ? '' : ` (${address})`)
}

/** A time span: `250 ms`, `1.5 s`, `3 min 5 s`. */
function formatSpan(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : formatTime(ms)
}
