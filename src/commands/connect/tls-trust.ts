import { ProtocolError, StorageError, UsageError } from '../../base/errors.ts'
import { formatEndpoint } from '../../net/address.ts'
import { readGivenSecret } from '../input.ts'
import type { ConnectValues } from './options.ts'
import { KnownHosts, statePath } from './state-files.ts'

/** Tells whether a server is the one it should be, by its certificate. */
export interface ServerTrust {
  /** PEM: what must have signed the certificate. */
  readonly ca?: string
  /** @throws {ProtocolError} KEY_CHANGED; {StorageError} */
  check(fingerprint: string): void
}

/**
 * How the server's certificate is judged; undefined without TLS.
 * @param report takes a line of diagnostics about a certificate seen for the first time.
 * @throws {UsageError} when there is nowhere to remember it; {StorageError} when the file of `--tls-ca` can't be read.
 */
export function tlsTrust(
  { tls, tlsCa, acceptNewKey }: Pick<ConnectValues, 'tls' | 'tlsCa' | 'acceptNewKey'>,
  { host, port }: { readonly host: string; readonly port: number },
  environment: Readonly<Record<string, string | undefined>>,
  report: (line: string) => void,
): ServerTrust | undefined {
  if (tlsCa !== undefined) return { ca: readCa(tlsCa), check: () => undefined }
  if (!tls) return undefined
  const file = statePath(environment, 'known_hosts')
  if (file === undefined) {
    throw new UsageError('there is no place to remember the server by: HOME is not set', {
      hint: 'set HOME or XDG_STATE_HOME, or name those whose signature to trust with --tls-ca FILE',
    })
  }
  const known = new KnownHosts(file)
  const server = formatEndpoint(host, port)
  return {
    check(fingerprint) {
      const before = known.find(host, port)
      if (before === fingerprint) return
      if (before !== undefined && !acceptNewKey) throw changed(server, before, fingerprint, file)
      known.keep(host, port, fingerprint)
      report(`${before === undefined ? 'first time at' : 'new key of'} ${server}: SHA-256 fingerprint ${fingerprint}`)
      if (before === undefined)
        report('  compare it with what the server printed at its start; it is remembered from now on')
    },
  }
}

function changed(server: string, before: string, now: string, file: string): ProtocolError {
  return new ProtocolError(
    'KEY_CHANGED',
    `${server} shows another certificate than before: ${now}, where ${before} was known`,
    {
      hint: `somebody may be reading along; if the server's operator confirms the new one: --accept-new-key (known ones are in ${file})`,
    },
  )
}

function readCa(file: string): string {
  const text = readGivenSecret(file)
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new StorageError('BAD_CERTIFICATE', `${file} holds no certificate in PEM form`)
}
