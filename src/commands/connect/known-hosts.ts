import { formatEndpoint } from '../../net/address.ts'
import { readState, updateState } from './state-file.ts'

/**
 * The certificates that servers showed when we first met: a line `HOST:PORT FINGERPRINT` each, in a file that a person may
 * edit. Lines that say something else stay as they are.
 */
export class KnownHosts {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** The SHA-256 fingerprint this server had, if it is known. @throws {StorageError} */
  find(host: string, port: number): string | undefined {
    const name = nameOf(host, port)
    for (const line of readState(this.#path).split('\n')) {
      const [server, fingerprint] = line.trim().split(/\s+/)
      if (server === name) return fingerprint
    }
    return undefined
  }

  /** Remembers the server by this certificate, and forgets the one it had. @throws {StorageError} */
  keep(host: string, port: number, fingerprint: string): void {
    const name = nameOf(host, port)
    updateState(this.#path, (text) => {
      const others = text.split('\n').filter((line) => line !== '' && line.trim().split(/\s+/)[0] !== name)
      return [...others, `${name} ${fingerprint}`, ''].join('\n')
    })
  }
}

/** Names of hosts know no case (RFC 4343). */
function nameOf(host: string, port: number): string {
  return formatEndpoint(host.toLowerCase(), port)
}
