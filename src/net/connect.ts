import type { Clock } from '../base/clock.ts'
import { connectError } from './connect-error.ts'
import { FramedSocket, rememberPeer } from './framed-socket.ts'
import { netLimits } from './limits.ts'
import { keepAlive } from './liveness.ts'

export interface ConnectOptions {
  /** A name or an address. Of a name's addresses all are tried, both families in turn (RFC 8305). */
  readonly host: string
  readonly port: number
  /** For everything, name resolution included; 0 for as long as the system tries. */
  readonly timeoutMs: number
  readonly clock: Clock
  /** Gives up; the promise then rejects with the signal's reason. */
  readonly signal: AbortSignal
}

/**
 * Connects, half-open allowed, without Nagle's delay, and kept alive. Errors after that are 'error' events, which nobody has to hear.
 * Rejects with NetworkError, in a sentence with a next step.
 */
export function connect({ host, port, timeoutMs, clock, signal }: ConnectOptions): Promise<FramedSocket> {
  const socket = new FramedSocket({ allowHalfOpen: true })
  rememberPeer(socket)
  const { promise, resolve, reject } = Promise.withResolvers<FramedSocket>()
  const onError = (error: unknown): void => reject(connectError(error, host, port))
  const onAbort = (): void => reject(signal.reason)
  const timer = timeoutMs > 0 ? clock.after(timeoutMs, () => onError({ code: 'ETIMEDOUT' })) : undefined
  socket.once('error', onError)
  socket.once('connect', () => resolve(socket))
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort)
  socket.setNoDelay(true)
  keepAlive(socket)
  // Not every system's list of hosts knows it with a dot at its end, and it means this machine everywhere (RFC 6761, 6.3).
  const name = host.toLowerCase() === 'localhost.' ? 'localhost' : host
  socket.connect({
    host: name,
    port,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: netLimits.connectAttemptMs,
  })
  return promise
    .catch((error: unknown) => {
      socket.destroy()
      throw error
    })
    .finally(() => {
      timer?.cancel()
      socket.off('error', onError)
      signal.removeEventListener('abort', onAbort)
    })
}
