import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { errorCode, errorMessage, NetworkError } from '../base/errors.ts'
import type { Peer } from '../base/events.ts'
import { plainAddress } from '../net/address.ts'
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
 * it. A port that is taken is an error, unless it is shared.
 */
export function datagramSocket(family: 4 | 6, isShared = false): Socket {
  return createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    reuseAddr: isShared,
    // One that shares its port leaves IPv4 to the other.
    ipv6Only: isShared && family === 6,
    recvBufferSize: datagramLimits.receiveBufferBytes,
    sendBufferSize: datagramLimits.sendBufferBytes,
    lookup: (address, _options, done) => done(null, address, family),
  })
}

/** A socket on which strangers speak to us. It has to be bound, and its errors looked at, by whoever made it. */
export class Outlet {
  readonly #socket: Socket
  #isClosed = false

  constructor(socket: Socket, onDatagram: (datagram: Buffer, asker: Asker) => void) {
    this.#socket = socket
    socket.on('message', (datagram, from) => onDatagram(datagram, new Asker(from, this)))
  }

  /** Whether nothing waits in the system that was sent through it. */
  get isIdle(): boolean {
    return !this.#isClosed && this.#socket.getSendQueueCount() === 0
  }

  /** Sends without waiting; above the limit of what the system has not yet taken, drops. */
  send(datagram: Buffer, port: number, address: string): void {
    if (this.#isClosed || this.#socket.getSendQueueSize() > datagramLimits.sendQueueBytes) return
    this.#socket.send(datagram, 0, datagram.length, port, address)
  }

  close(): void {
    if (!this.#isClosed) this.#socket.close()
    this.#isClosed = true
  }
}

/** Whoever sent a datagram: what is sent back leaves through the same socket, and so from the address that was asked. */
export class Asker implements Peer {
  readonly address: string
  readonly port: number
  /** As the socket takes it. */
  readonly #to: string
  readonly #outlet: Outlet

  constructor({ address, port }: Peer, outlet: Outlet) {
    this.address = plainAddress(address)
    this.port = port
    this.#to = address
    this.#outlet = outlet
  }

  get isIdle(): boolean {
    return this.#outlet.isIdle
  }

  send(datagram: Buffer): void {
    this.#outlet.send(datagram, this.port, this.#to)
  }

  /** The same, to be answered through another socket. */
  via(outlet: Outlet): Asker {
    return new Asker({ address: this.#to, port: this.port }, outlet)
  }
}

export function isEveryAddress(address: string): boolean {
  return address === '::' || address === '0.0.0.0'
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
