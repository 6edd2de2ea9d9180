import { createServer, type Server, type Socket } from 'node:net'
import { errorCode, errorMessage, NetworkError } from '../base/errors.ts'
import type { EventSink } from '../base/events.ts'
import { limits } from '../base/limits.ts'
import { type Endpoint, formatEndpoint } from '../net/address.ts'
import { keepAlive } from '../net/liveness.ts'
import { serveLimits } from './limits.ts'

export interface ListenerOptions extends Required<Endpoint> {
  /** Refuse instead of trying the next port. */
  readonly strictPort: boolean
  /** Connections are kept alive by TCP, a little later than peers are pinged. */
  readonly pingMs: number
  readonly record: EventSink
  /** Each accepted connection, paused. */
  accept(socket: Socket): void
}

/** Binds, accepts, pauses and resumes; what becomes of a connection is not its business. */
export class Listener {
  readonly #options: ListenerOptions
  #server: Server | undefined
  #endpoint: Required<Endpoint> | undefined

  constructor(options: ListenerOptions) {
    this.#options = options
  }

  /** Where it listens, or would listen again after a pause. */
  get endpoint(): Required<Endpoint> | undefined {
    return this.#endpoint
  }

  get paused(): boolean {
    return this.#server === undefined
  }

  /**
   * Listens on the port asked for or, unless `strictPort`, on the next free one.
   * @throws {NetworkError} EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND … with a next step.
   */
  async open(): Promise<Required<Endpoint>> {
    const { host, port, strictPort, record } = this.#options
    const last = strictPort || port === 0 ? port : Math.min(65_535, port + limits.portFallbackCount)
    for (let candidate = port; ; candidate++) {
      try {
        return await this.#listen(candidate)
      } catch (error) {
        const other = strictPort ? 'leave out --strict-port' : '0 for any free one'
        if (errorCode(error) !== 'EADDRINUSE' || candidate >= last)
          throw bindError(error, host, port, last, `choose another one with --port, or ${other}`)
        record({ type: 'port-taken', host, port: candidate, next: candidate + 1 })
      }
    }
  }

  /** New connections are refused by the system; those that exist go on. */
  pause(): boolean {
    if (this.#server === undefined) return false
    this.#server.close()
    this.#server = undefined
    return true
  }

  /** Listens again on the same port. @throws {NetworkError} when somebody else has it by now. */
  async resume(): Promise<boolean> {
    if (this.#server !== undefined || this.#endpoint === undefined) return false
    const { port } = this.#endpoint
    try {
      await this.#listen(port)
    } catch (error) {
      throw bindError(error, this.#options.host, port, port, 'try again when the program that has it now has ended')
    }
    return true
  }

  #listen(port: number): Promise<Required<Endpoint>> {
    const { accept, pingMs } = this.#options
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true })
    return new Promise((resolve, reject) => {
      // `listen(port, callback)` would leave its callback behind on failure.
      server.once('error', reject)
      server.once('listening', () => {
        server.off('error', reject)
        // After this only accepting can fail (EMFILE …): that costs one connection, not the server.
        server.on('error', (error) => {
          this.#options.record({ type: 'accept-failed', code: errorCode(error), error: errorMessage(error) })
        })
        server.on('connection', (socket) => {
          keepAlive(socket, pingMs)
          accept(socket)
        })
        const address = server.address()
        if (address === null || typeof address === 'string') throw new Error('a TCP server has an address and a port')
        this.#server = server
        this.#endpoint = { host: address.address, port: address.port }
        resolve(this.#endpoint)
      })
      const { host } = this.#options
      // Node itself listens on '::', and on 0.0.0.0 where there is no IPv6; told to, it would load its resolver first.
      const where = host === '::' ? { port } : { host, port }
      server.listen({ ...where, backlog: serveLimits.listenBacklog, exclusive: true })
    })
  }
}

/** @param whenTaken the next step where all ports from `port` to `last` are taken */
function bindError(error: unknown, host: string, port: number, last: number, whenTaken: string): NetworkError {
  const code = errorCode(error)
  const where = formatEndpoint(host, port)
  const tell = (message: string, hint: string) => new NetworkError(code, message, { hint, cause: error })
  switch (code) {
    case 'EADDRINUSE':
      return last > port
        ? tell(`ports ${port} to ${last} on ${host} are all taken`, whenTaken)
        : tell(`port ${port} on ${host} is taken`, whenTaken)
    case 'EACCES':
      return tell(
        `no right to listen on ${where}`,
        'ports below 1024 need special rights; choose a higher one with --port',
      )
    case 'EADDRNOTAVAIL':
      return tell(
        `${host} is no address of this machine`,
        'use --host :: or 0.0.0.0 for all addresses, 127.0.0.1 for this machine only',
      )
    case 'EINVAL':
      return tell(
        `${host} is not an address that one can listen on`,
        'a link-local IPv6 address needs its interface, as in fe80::1%eth0',
      )
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return tell(`the host name ${host} does not resolve`, 'check the name, or give an address with --host')
    default:
      return tell(`cannot listen on ${where}: ${errorMessage(error)}`, 'choose another --host or --port')
  }
}
