import { Socket } from 'node:net'
import { encodeFrames } from './frame-codec.ts'
import { FrameInbox } from './frame-inbox.ts'
import { netLimits } from './limits.ts'

const state = Symbol('framing')

interface FramingState {
  readonly maxBytes: number
  readonly inbox: FrameInbox
}

/** What framing adds to a socket. Do not mix `receive` with 'data' listeners or `for await`: each wants the bytes for itself. */
export interface FramedMethods {
  /** The largest payload in bytes, for both directions. */
  readonly limit: number
  /**
   * Sends one frame. False means that the peer takes less than it is given: wait for 'drain' (or 'close') before more.
   * False too once the socket no longer takes bytes; nothing is sent then.
   * @throws {RangeError} for a payload above `limit`.
   */
  send(message: string | Uint8Array): boolean
  /** Sends many frames in one write. @throws {RangeError} before anything is sent. */
  sendAll(messages: readonly (string | Uint8Array)[]): boolean
  /** The next frame as text (UTF-8, U+FFFD for what is not); undefined at the end. Rejects like `receiveBytes`. */
  receive(): Promise<string | undefined>
  /**
   * The next frame; undefined at the end. Several calls may wait; they are answered in order.
   * Rejects with ProtocolError, and destroys the connection, for a header above `limit` (before anything is allocated for
   * it) and for an end within a frame; with NetworkError when the connection broke.
   */
  receiveBytes(): Promise<Buffer | undefined>
}

// biome-ignore lint/suspicious/noExplicitAny: TypeScript asks for exactly this signature of a mixin's base (TS2545).
type SocketClass = new (...args: any[]) => Socket

/**
 * The socket class `Base` with framing: `Framed(net.Socket)`, `Framed(tls.TLSSocket)`. The state hangs on a symbol that
 * `attach` sets, not on private fields, so that an accepted socket can change its class.
 */
export function Framed<B extends SocketClass>(Base: B) {
  return class extends Base implements FramedMethods {
    declare [state]: FramingState

    // biome-ignore lint/suspicious/noExplicitAny: as above.
    constructor(...args: any[]) {
      super(...args)
      attach(this, netLimits.frameBytes)
    }

    get limit(): number {
      return this[state].maxBytes
    }

    send(message: string | Uint8Array): boolean {
      return this.sendAll([message])
    }

    sendAll(messages: readonly (string | Uint8Array)[]): boolean {
      const wire = encodeFrames(messages, this[state].maxBytes)
      // A write after end or destroy would be an 'error' event; the peer's leaving is no error of ours.
      return this.writable && this.write(wire)
    }

    async receive(): Promise<string | undefined> {
      return (await this[state].inbox.next())?.toString('utf8')
    }

    receiveBytes(): Promise<Buffer | undefined> {
      return this[state].inbox.next()
    }
  }
}

function attach(socket: Socket, maxBytes: number): void {
  const framing: FramingState = { maxBytes, inbox: new FrameInbox(socket, maxBytes) }
  Object.assign(socket, { [state]: framing })
}

/**
 * Makes an existing socket one of `kind` by changing its class; a subclass built over its handle would keep the server
 * from closing. Bytes that were already read can be put back with `unshift` before.
 */
export function reclass<S extends Socket>(socket: Socket, kind: { readonly prototype: S }, maxBytes: number): S {
  const framed: S = Object.setPrototypeOf(socket, kind.prototype)
  attach(framed, maxBytes)
  return framed
}

/** A TCP socket that speaks length-prefixed frames. */
export class FramedSocket extends Framed(Socket) {
  /** Turns an accepted or connected socket into a FramedSocket: the same object, with another class. */
  static attach(socket: Socket, maxBytes: number = netLimits.frameBytes): FramedSocket {
    return reclass(socket, FramedSocket, maxBytes)
  }
}
