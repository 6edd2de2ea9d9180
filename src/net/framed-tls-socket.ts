import { TLSSocket } from 'node:tls'
import { Framed, reclass } from './framed-socket.ts'
import { netLimits } from './limits.ts'

/**
 * Frames inside TLS. On a server that tells the dialects apart: `unshift` the first bytes and hand the plain socket over,
 * `new FramedTlsSocket(socket, { isServer: true, secureContext })`.
 */
export class FramedTlsSocket extends Framed(TLSSocket) {
  /** Turns what `tls.connect` made into a FramedTlsSocket: the same object, with another class. */
  static attach(socket: TLSSocket, maxBytes: number = netLimits.frameBytes): FramedTlsSocket {
    return reclass(socket, FramedTlsSocket, maxBytes)
  }
}
