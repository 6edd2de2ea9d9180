import { readFileSync } from 'node:fs'
import { errorCode, ProtocolError, reasonOf, StorageError, UsageError } from '../../base/errors.ts'
import { formatEndpoint } from '../../net/address.ts'
import { flag, optional, path } from '../../options/kinds.ts'
import { option, type Values } from '../../options/spec.ts'
import { KnownHosts } from './known-hosts.ts'
import { statePath } from './state-file.ts'

export const tlsOptions = {
  tls: option({
    kind: flag,
    summary: 'talk through TLS; a server is known again by the certificate it showed first',
    default: false,
  }),
  tlsCa: option({
    kind: optional(path),
    summary: 'trust servers whose certificate these (PEM) have signed, and no other; implies --tls',
    default: undefined,
  }),
  acceptNewKey: option({
    kind: flag,
    summary: 'take the certificate that the server shows now for its own from now on',
    default: false,
  }),
} as const

/** Whether a server is the one it should be. */
export interface Trust {
  /** What must have signed its certificate. */
  readonly ca?: string
  /** @throws {ProtocolError} KEY_CHANGED; {StorageError} */
  check(fingerprint: string): void
}

/**
 * How the server's certificate is judged; undefined without TLS.
 * @param say is told what is seen for the first time.
 * @throws {UsageError} when there is nowhere to remember it; {StorageError} when the file of `--tls-ca` can't be read.
 */
export function tlsTrust(
  { tls, tlsCa, acceptNewKey }: Values<typeof tlsOptions>,
  { host, port }: { readonly host: string; readonly port: number },
  environment: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Trust | undefined {
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
      say(`${before === undefined ? 'first time at' : 'new key of'} ${server}: SHA-256 fingerprint ${fingerprint}`)
      if (before === undefined)
        say('  compare it with what the server printed at its start; it is remembered from now on')
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
  try {
    const text = readFileSync(file, 'utf8')
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  } catch (error) {
    throw new StorageError(errorCode(error), `cannot read ${file}: ${reasonOf(error)}`, { cause: error })
  }
  throw new StorageError('BAD_CERTIFICATE', `${file} holds no certificate in PEM form`)
}
