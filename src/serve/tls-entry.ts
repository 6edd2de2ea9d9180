import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { errorMessage, ProtocolError } from '../base/errors.ts'
import type { KeyPair } from '../net/certificate.ts'
import { sniffDialect, tlsOnly } from '../net/dialect.ts'
import type { MessageSocket } from '../net/framed-socket.ts'
import { FramedTlsSocket } from '../net/framed-tls-socket.ts'
import { netLimits } from '../net/limits.ts'
import { serverTls } from '../net/tls-settings.ts'
import { serveLimits } from './limits.ts'

/** A connection past its first bytes: TLS is unwrapped, plain stays plain. */
export interface Entered {
  readonly socket: MessageSocket
  readonly encrypted: boolean
}

/**
 * Lets one client in; `plaintext` tells whether it may talk without TLS. A handshake takes memory: it begins when what is
 * to be waited for first has resolved.
 * @throws {ProtocolError} PLAINTEXT when this client needs TLS, TLS_HANDSHAKE when that fails or takes too long.
 */
export type TlsEntry = (
  socket: MessageSocket,
  plaintext: boolean,
  clock: Clock,
  beforeHandshake?: () => Promise<void>,
) => Promise<Entered>

/** The way into a server that has this certificate, until `use` gives it another one; who is in stays in. */
export function tlsEntry(pair: KeyPair): { readonly enter: TlsEntry; use(pair: KeyPair): void } {
  let secureContext = contextOf(pair)
  return {
    enter: (socket, plaintext, clock, beforeHandshake) =>
      enter(socket, () => secureContext, plaintext, clock, beforeHandshake),
    use: (other) => {
      secureContext = contextOf(other)
    },
  }
}

function contextOf(pair: KeyPair): SecureContext {
  return createSecureContext({ ...pair, ...serverTls })
}

/** Looks at the first byte of a fresh socket: TLS and plain clients share one port. The bytes stay to be read. */
async function enter(
  socket: MessageSocket,
  secureContext: () => SecureContext,
  plaintext: boolean,
  clock: Clock,
  beforeHandshake?: () => Promise<void>,
): Promise<Entered> {
  // Who may talk plainly may also wait for the server to speak first; who may not gets time for a slow network.
  const first = await firstByte(socket, clock, plaintext ? netLimits.dialectMs : serveLimits.handshakeMs)
  if (first !== undefined && sniffDialect(first) === 'tls') {
    await beforeHandshake?.()
    return { socket: await handshake(socket, secureContext(), clock), encrypted: true }
  }
  if (!plaintext) throw new ProtocolError('PLAINTEXT', tlsOnly)
  return { socket, encrypted: false }
}

/** The first byte that comes, which stays in the socket; `undefined` after `waitMs` or at the end. Leaves the socket paused. */
function firstByte(socket: Socket, clock: Clock, waitMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    let settled = false
    const settle = (byte: number | undefined): void => {
      if (settled) return
      settled = true
      timer.cancel()
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
      socket.pause()
      resolve(byte)
    }
    const onData = (chunk: Buffer): void => {
      settle(chunk[0])
      socket.unshift(chunk)
    }
    const onEnd = (): void => settle(undefined)
    // Bytes that are there have the first word, as in MessageTransport: on a busy machine the time may be up before they are read.
    const timer = clock.after(waitMs, () => setImmediate(onEnd), { background: true })
    socket.on('data', onData).on('end', onEnd).on('close', onEnd)
    socket.resume()
  })
}

function handshake(socket: Socket, secureContext: SecureContext, clock: Clock): Promise<FramedTlsSocket> {
  const secured = new FramedTlsSocket(socket, { isServer: true, secureContext })
  return new Promise((resolve, reject) => {
    const fail = (message: string): void => {
      timer.cancel()
      secured.destroy()
      reject(new ProtocolError('TLS_HANDSHAKE', message))
    }
    const timer = clock.after(serveLimits.handshakeMs, () => fail('the TLS handshake took too long'), {
      background: true,
    })
    secured.once('secure', () => {
      timer.cancel()
      secured.off('error', onError).off('close', onClose)
      resolve(secured)
    })
    const onError = (error: Error): void => fail(`the TLS handshake failed: ${errorMessage(error)}`)
    const onClose = (): void => fail('the client left during the TLS handshake')
    secured.once('error', onError).once('close', onClose)
  })
}
