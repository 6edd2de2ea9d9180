import { isIP } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket, connect as wrap } from 'node:tls'
import type { Clock } from '../base/clock.ts'
import { errorCode, errorMessage, NetlabError, NetworkError, ProtocolError } from '../base/errors.ts'
import { formatEndpoint } from './address.ts'
import { keyFingerprint } from './certificate.ts'
import { connectError } from './connect-error.ts'
import { Framed, type FramedSocket, reclass } from './framed-socket.ts'
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

export interface TlsOptions {
  readonly host: string
  readonly port: number
  /** PEM certificates: the server's must be signed by one of them and be for `host`. Without it any certificate will do. */
  readonly ca?: string | undefined
  /** For the handshake; 0 for as long as it takes. */
  readonly timeoutMs: number
  readonly clock: Clock
  /** Gives up; the promise then rejects with the signal's reason. */
  readonly signal: AbortSignal
}

/** A connection inside TLS, and who is at its other end. */
export interface Secured {
  readonly socket: FramedTlsSocket
  readonly identity: {
    /** Fingerprint of the server's public key, as `keyFingerprint` writes it. */
    readonly key: string
    /** SHA-256 of its certificate, as `openssl x509 -fingerprint` writes it. */
    readonly certificate: string
  }
}

/**
 * What is needed to begin, made before there is a connection: a server that takes plain clients as well waits a quarter of a
 * second for what one says first, and on a busy machine making this takes longer. Without `ca` no certificates are loaded.
 */
export function clientContext(ca: string | undefined): SecureContext {
  return createSecureContext({ ca: ca ?? [], minVersion: 'TLSv1.2' })
}

/**
 * Puts TLS (1.2 or later) over a fresh connection. When it fails the connection is gone.
 * Rejects with NetworkError when the handshake doesn't come to its end, with ProtocolError UNTRUSTED when `ca` doesn't vouch
 * for the server.
 */
export async function connectTls(
  plain: FramedSocket,
  options: TlsOptions,
  secureContext: SecureContext = clientContext(options.ca),
): Promise<Secured> {
  const { host, port, ca } = options
  const socket = wrap({
    socket: plain,
    host,
    // An address is no name to ask for, and a name is asked for without the dot at its end (RFC 6066, 3).
    ...(isIP(host) === 0 && { servername: host.replace(/\.$/, '') }),
    secureContext,
    rejectUnauthorized: ca !== undefined,
  })
  try {
    await handshake(socket, options)
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) throw new ProtocolError('UNTRUSTED', 'the server showed no certificate')
    const identity = { key: keyFingerprint(certificate), certificate: certificate.fingerprint256 }
    return { socket: FramedTlsSocket.attach(socket), identity }
  } catch (error) {
    socket.on('error', () => undefined).destroy()
    plain.destroy()
    if (error instanceof NetlabError || options.signal.aborted) throw error
    throw asNetlabError(error, host, port)
  }
}

function handshake(socket: TLSSocket, { timeoutMs, clock, signal }: TlsOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onClose = (): void => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }))
  const onAbort = (): void => reject(signal.reason)
  const timer =
    timeoutMs > 0 ? clock.after(timeoutMs, () => reject(Object.assign(new Error(), { code: 'ETIMEDOUT' }))) : undefined
  socket.once('secureConnect', resolve).once('error', reject).once('close', onClose).once('end', onClose)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  return promise.finally(() => {
    timer?.cancel()
    socket.off('error', reject).off('close', onClose).off('end', onClose)
    signal.removeEventListener('abort', onAbort)
  })
}

function asNetlabError(error: unknown, host: string, port: number): NetlabError {
  const code = errorCode(error)
  const server = formatEndpoint(host, port)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return new ProtocolError('UNTRUSTED', `the certificate of ${server} is for another name than ${host}`, {
      hint: 'connect by the name that the certificate is for',
      cause: error,
    })
  }
  if (code === 'ETIMEDOUT' || code === 'ECONNRESET') {
    const what = code === 'ETIMEDOUT' ? 'did not finish the TLS handshake in time' : 'broke off the TLS handshake'
    return new NetworkError(code, `${server} ${what}`, { hint: plainHint, cause: error })
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') {
    return new NetworkError(code, `${server} does not speak TLS with us`, { hint: plainHint, cause: error })
  }
  if (error instanceof Error && 'syscall' in error) return connectError(error, host, port)
  if (code === 'CERT_HAS_EXPIRED') {
    return new ProtocolError('UNTRUSTED', `the certificate of ${server} has expired`, {
      hint: 'its operator has to renew it; if it has just been made, look at the clock of this machine',
      cause: error,
    })
  }
  return new ProtocolError('UNTRUSTED', `the certificate of ${server} is not to be trusted: ${errorMessage(error)}`, {
    hint: 'check that --tls-ca names the authority that signed it, or the certificate itself',
    cause: error,
  })
}

const plainHint =
  'it may be a server without TLS, which its operator can start with --tls, or one that takes nobody at the moment'
