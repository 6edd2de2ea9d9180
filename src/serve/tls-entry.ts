import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { errorMessage, ProtocolError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { dialectOf } from '../net/dialect.ts'

/** What a server with TLS allows of one client. */
export interface TlsRules {
  readonly secureContext: SecureContext
  /** Whether this client may talk without TLS. */
  readonly plaintext: boolean
}

/** A connection past its first bytes: TLS is unwrapped, plain stays plain. */
export interface Entered {
  readonly socket: Socket
  readonly encrypted: boolean
}

/**
 * Looks at the first byte of a fresh socket: TLS and plain clients share one port. The bytes stay to be read.
 * @throws {ProtocolError} PLAINTEXT when this client needs TLS, TLS_HANDSHAKE when that fails or takes too long.
 */
export async function enter(socket: Socket, rules: TlsRules, clock: Clock): Promise<Entered> {
  // Who may talk plainly may also wait for the server to speak first; who may not gets time for a slow network.
  const first = await firstByte(socket, clock, rules.plaintext ? limits.dialectMs : limits.handshakeMs)
  if (first !== undefined && dialectOf(first) === 'tls') {
    return { socket: await handshake(socket, rules.secureContext, clock), encrypted: true }
  }
  if (!rules.plaintext) throw new ProtocolError('PLAINTEXT', 'this server talks to other machines through TLS only')
  return { socket, encrypted: false }
}

/** The first byte that comes, which stays in the socket; `undefined` after `waitMs` or at the end. Leaves the socket paused. */
function firstByte(socket: Socket, clock: Clock, waitMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const settle = (byte: number | undefined): void => {
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
    const timer = clock.after(waitMs, onEnd, { background: true })
    socket.on('data', onData).on('end', onEnd).on('close', onEnd)
    socket.resume()
  })
}

function handshake(socket: Socket, secureContext: SecureContext, clock: Clock): Promise<TLSSocket> {
  const secured = new TLSSocket(socket, { isServer: true, secureContext })
  return new Promise((resolve, reject) => {
    const fail = (message: string): void => {
      timer.cancel()
      secured.destroy()
      reject(new ProtocolError('TLS_HANDSHAKE', message))
    }
    const timer = clock.after(limits.handshakeMs, () => fail('the TLS handshake took too long'), { background: true })
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
