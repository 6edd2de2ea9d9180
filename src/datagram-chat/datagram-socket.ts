import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { errorCode, errorMessage, NetworkError } from '../base/errors.ts'
import { datagramLimits } from './limits.ts'

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** All addresses of a name, as the system orders them. @throws {NetworkError} */
export async function resolveAddresses(host: string): Promise<readonly Address[]> {
  try {
    const found = await lookup(host, { all: true, order: 'verbatim' })
    return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
  } catch (error) {
    throw new NetworkError(errorCode(error), `cannot find an address for "${host}"`, {
      hint: 'check the spelling, or give an IP address',
      cause: error,
    })
  }
}

/**
 * A socket whose sends are not looked up: every address given to it is numeric, and a lookup for each datagram costs as much as sending
 * it. Without `exclusive: false`, so a port that is taken is an error.
 */
export function datagramSocket(family: 4 | 6, reuseAddr = false): Socket {
  return createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    reuseAddr,
    recvBufferSize: datagramLimits.receiveBufferBytes,
    sendBufferSize: datagramLimits.sendBufferBytes,
    lookup: (address, _options, done) => done(null, address, family),
  })
}

/** Rejects with the system's error. */
export function bound(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((done, failed) => {
    socket.once('error', failed)
    socket.bind(port, address, () => {
      socket.off('error', failed)
      done()
    })
  })
}

export function bindError(error: unknown, host: string, port: number): NetworkError {
  const code = errorCode(error)
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: 'choose another with --port, or 0 for any free one',
    EACCES: 'ports below 1024 need privileges; choose a higher one with --port',
    EADDRNOTAVAIL: 'this machine has no such address; leave --host out to listen on all',
  }
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is taken',
    EACCES: 'not permitted',
    EADDRNOTAVAIL: 'not an address of this machine',
  }
  const hint = hints[code]
  const message = `cannot listen on UDP ${host} port ${port}: ${reasons[code] ?? errorMessage(error)}`
  return new NetworkError(code, message, { cause: error, ...(hint !== undefined && { hint }) })
}
