import type { NetworkError } from '../../base/errors.ts'
import type { ExitCode } from '../../base/exit-codes.ts'
import { connectError } from '../../net/connect-error.ts'
import type { FramedSocket } from '../../net/framed-socket.ts'
import type { HexDump } from './hex-dump.ts'
import type { Talk } from './talk.ts'

/** How a conversation ended, in words and as an exit code. */
export interface Ending {
  readonly how: string
  readonly exit: ExitCode
}

/** A conversation's socket with what is said about it. */
export class Connection {
  readonly socket: FramedSocket
  readonly talk: Talk
  /** Shown in place of the server's output. */
  readonly hex: HexDump | undefined
  readonly #host: string
  readonly #port: number

  constructor(
    socket: FramedSocket,
    { host, port }: { readonly host: string; readonly port: number },
    talk: Talk,
    hex: HexDump | undefined,
  ) {
    this.socket = socket
    this.talk = talk
    this.hex = hex
    this.#host = host
    this.#port = port
  }

  /** Writes and counts; false when the connection takes nothing any more. */
  send(bytes: Buffer): boolean {
    if (!this.socket.writable) return false
    this.talk.sent(bytes.length)
    this.socket.write(bytes)
    return true
  }

  /** A socket's error in one sentence with a next step. */
  describe(error: unknown): NetworkError {
    return connectError(error, this.#host, this.#port)
  }
}
