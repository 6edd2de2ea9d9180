import { Socket } from 'node:net'
import { systemClock } from '../base/clock.ts'
import { errorCode, NetworkError } from '../base/errors.ts'
import { lostError } from './connect-error.ts'
import { netLimits } from './limits.ts'
import { MessageTransport } from './message-transport.ts'

const state = Symbol('messages')

interface FramedState {
  readonly messages: MessageTransport
  /** Somebody hands it what the socket reads. */
  fed: boolean
}

/** What framing adds to a socket. */
export interface FramedMethods {
  /**
   * Sends one frame. False means that the peer takes less than it is given: wait for 'drain' (or 'close') before more.
   * False too once the socket no longer takes bytes; nothing is sent then.
   * @throws {RangeError} for a payload above the limit.
   */
  send(message: string | Uint8Array): boolean
  /** Sends many frames in one write. @throws {RangeError} before anything is sent. */
  sendAll(messages: readonly (string | Uint8Array)[]): boolean
  /**
   * The next frame as text (UTF-8, U+FFFD for what is not); undefined at the end. Several calls may wait; they are answered
   * in order. Do not mix with 'data' listeners or `for await`: each wants the bytes for itself. After the last good frame it
   * rejects with ProtocolError for a header above the limit (before anything is allocated for it) and for an end within a
   * frame, with NetworkError when the connection broke; the connection is then for the caller to close.
   */
  receive(): Promise<string | undefined>
  /** Uses `messages` from now on, to which the caller hands what it reads: a server reads through buffers that its clients share. */
  speak(messages: MessageTransport): void
}

/** A socket of any class that `Framed` made. */
export type MessageSocket = Socket & FramedMethods

// biome-ignore lint/suspicious/noExplicitAny: TypeScript asks for exactly this signature of a mixin's base (TS2545).
type SocketClass = new (...args: any[]) => Socket

/**
 * The socket class `Base` with framing: `Framed(net.Socket)`, `Framed(tls.TLSSocket)`. Its state hangs on a symbol that is set
 * when the first message is sent or received, not on private fields, so that an accepted socket can change its class and a
 * connection of raw bytes costs nothing.
 */
export function Framed<B extends SocketClass>(Base: B) {
  return class extends Base implements FramedMethods {
    declare [state]: FramedState | undefined

    send(message: string | Uint8Array): boolean {
      return stateOf(this).messages.send(message)
    }

    sendAll(messages: readonly (string | Uint8Array)[]): boolean {
      return stateOf(this).messages.send(...messages)
    }

    receive(): Promise<string | undefined> {
      const own = stateOf(this)
      if (!own.fed) feed(this, own.messages)
      own.fed = true
      return own.messages.receive()
    }

    speak(messages: MessageTransport): void {
      this[state] = { messages, fed: true }
    }
  }
}

function stateOf(socket: Socket & { [state]?: FramedState | undefined }): FramedState {
  socket[state] ??= { messages: framesOver(socket, netLimits.frameBytes), fed: false }
  return socket[state]
}

function framesOver(socket: Socket, maxFrameBytes: number): MessageTransport {
  return new MessageTransport(
    { framing: 'frames', clock: systemClock, maxFrameBytes },
    {
      // A write after end or destroy would be an 'error' event; the peer's leaving is no error of ours.
      write: (bytes) => socket.writable && socket.write(bytes),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
    },
  )
}

/** Reads from now on, with pauses while nobody receives. */
function feed(socket: Socket, messages: MessageTransport): void {
  const { errored, readableEnded, destroyed } = socket
  if (errored !== null) messages.fail(describe(socket, errored))
  else if (readableEnded || destroyed) messages.close()
  socket.on('data', (chunk: Buffer) => messages.push(chunk))
  socket.once('end', () => messages.end())
  socket.once('error', (error) => messages.fail(describe(socket, error)))
  socket.once('close', () => {
    if (!messages.failed) messages.close()
  })
}

function describe({ remoteAddress, remotePort }: Socket, error: unknown): NetworkError {
  if (remoteAddress !== undefined && remotePort !== undefined) return lostError(error, remoteAddress, remotePort)
  return new NetworkError(errorCode(error), `the connection broke (${errorCode(error)})`, { cause: error })
}

/**
 * Makes an existing socket one of `kind` by changing its class; a subclass built over its handle would keep the server
 * from closing. Bytes that were already read can be put back with `unshift` before. Its errors are told by `receive`, and
 * are no uncaught exceptions from now on.
 */
export function reclass<S extends Socket>(socket: Socket, kind: { readonly prototype: S }, maxFrameBytes: number): S {
  rememberPeer(socket)
  const framed: S & { [state]?: FramedState } = Object.setPrototypeOf(socket, kind.prototype)
  if (maxFrameBytes !== netLimits.frameBytes)
    framed[state] = { messages: framesOver(socket, maxFrameBytes), fed: false }
  return framed
}

/** Node remembers the peer's address once it was read; after a reset the system no longer tells. */
export function rememberPeer(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.once('connect', () => socket.remoteAddress)
  socket.on('error', () => undefined)
}

/** A TCP socket that speaks length-prefixed frames. */
export class FramedSocket extends Framed(Socket) {
  /** Turns an accepted or connected socket into a FramedSocket: the same object, with another class. */
  static attach(socket: Socket, maxFrameBytes: number = netLimits.frameBytes): FramedSocket {
    return reclass(socket, FramedSocket, maxFrameBytes)
  }
}
