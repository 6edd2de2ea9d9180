import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { ProtocolError } from '../base/errors.ts'
import type { Peer } from '../base/events.ts'
import { isLoopback } from '../net/address.ts'
import { type ProxyHeader, ProxyHeaderDecoder } from '../net/proxy-protocol.ts'
import { serveLimits } from './limits.ts'

/** Where a connection comes from. */
export interface Origin {
  readonly peer: Peer
  /** All of the way is inside this machine. */
  readonly local: boolean
  /** Nobody on the way can read along: it is local, or the proxy on this machine takes TLS. */
  readonly secure: boolean
  /** A proxy speaks for the peer. */
  readonly proxied: boolean
}

/** Of whoever connects without a proxy. */
export function directOrigin(peer: Peer): Origin {
  const local = isLoopback(peer.address)
  return { peer, local, secure: local, proxied: false }
}

/**
 * Of whom a proxy relays. A peer that it doesn't know is called by the proxy's address, and is no local one, wherever that is.
 */
export function originBehind(proxy: Peer, { relayed, source, encrypted }: ProxyHeader): Origin {
  const near = isLoopback(proxy.address)
  const local = near && (relayed ? source !== undefined && isLoopback(source.address) : true)
  return { peer: source ?? proxy, local, secure: local || (near && encrypted), proxied: true }
}

/**
 * Reads the header that a proxy must send before anything else. What follows it stays in the socket, which is left paused.
 * @throws {ProtocolError} PROXY_HEADER
 */
export function readProxyHeader(socket: Socket, clock: Clock): Promise<ProxyHeader> {
  const decoder = new ProxyHeaderDecoder()
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      timer.cancel()
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
      socket.pause()
    }
    const attempt = (step: () => void): void => {
      try {
        step()
      } catch (error) {
        settle()
        reject(error)
      }
    }
    const onData = (chunk: Buffer): void =>
      attempt(() => {
        const found = decoder.push(chunk)
        if (found === undefined) return
        settle()
        if (found.rest.length > 0) socket.unshift(found.rest)
        resolve(found.header)
      })
    const onEnd = (): void => attempt(() => decoder.end())
    const late = (): void =>
      attempt(() => {
        throw new ProtocolError('PROXY_HEADER', 'no PROXY header came in time')
      })
    // Bytes that are there have the first word, as in MessageTransport: on a busy machine the time may be up before they are read.
    const timer = clock.after(serveLimits.proxyHeaderMs, () => setImmediate(late), { background: true })
    socket.on('data', onData).on('end', onEnd).on('close', onEnd)
    socket.resume()
  })
}
