import { ProtocolError, StorageError, UsageError } from '../../base/errors.ts'
import { formatEndpoint } from '../../net/address.ts'
import { readGivenSecret } from '../input.ts'
import type { ConnectValues } from './options.ts'
import { KnownHosts, statePath } from './state-files.ts'

/** What a server showed of itself in its TLS handshake. */
export interface ServerIdentity {
  /** Fingerprint of its public key. */
  readonly key: string
  /** SHA-256 of its certificate, by which earlier versions knew it. */
  readonly certificate: string
}

/** Why it is taken for the right one: signed by who is trusted, known from before, or accepted just now. */
export type Proof = 'signed' | 'known' | 'new'

/** Tells whether a server is the one it should be. */
export interface ServerTrust {
  /** PEM: what must have signed the certificate. */
  readonly ca?: string
  /**
   * Undefined for a server that is met for the first time, and that a person may `confirm`.
   * @throws {ProtocolError} KEY_CHANGED, or KEY_UNKNOWN where there is no person; {StorageError}
   */
  check(shown: ServerIdentity): Proof | undefined
  /**
   * Asks a person; the server is remembered from then on. Rejects with ProtocolError KEY_UNKNOWN when the answer is no, with
   * PromptClosed when there is none, with StorageError when it can't be remembered.
   */
  confirm(shown: ServerIdentity): Promise<void>
}

export interface TrustOptions {
  readonly values: Pick<ConnectValues, 'tls' | 'tlsCa' | 'acceptNewKey'>
  readonly target: { readonly host: string; readonly port: number }
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Takes a line of diagnostics about a key that is new. */
  report(line: string): void
  /** Says something to a person and asks yes or no about it; undefined where nobody is there. */
  readonly ask: ((what: string, question: string) => Promise<boolean>) | undefined
}

/**
 * How the server's certificate is judged; undefined without TLS.
 * @throws {UsageError} when there is nowhere to remember it; {StorageError} when the file of `--tls-ca` can't be read.
 */
export function tlsTrust({ values, target, environment, report, ask }: TrustOptions): ServerTrust | undefined {
  const { tls, tlsCa, acceptNewKey } = values
  if (tlsCa !== undefined) return { ca: readCa(tlsCa), check: () => 'signed', confirm: async () => undefined }
  if (!tls) return undefined
  const file = statePath(environment, 'known_hosts')
  if (file === undefined) {
    throw new UsageError('there is no place to remember the server by: HOME is not set', {
      hint: 'set HOME or XDG_STATE_HOME, or name those whose signature to trust with --tls-ca FILE',
    })
  }
  const known = new KnownHosts(file)
  const { host, port } = target
  const server = formatEndpoint(host, port)
  /** The key of this run: whatever happens to the file, later connections meet the same server. */
  let met: { readonly key: string; readonly proof: Proof } | undefined
  const accept = (key: string, proof: Proof): Proof => {
    met = { key, proof }
    return proof
  }
  return {
    check({ key, certificate }) {
      if (met !== undefined) {
        if (met.key === key) return met.proof
        throw changed(server, { key, certificate }, met.key, file)
      }
      const before = known.find(host, port)
      if (before.includes(key)) return accept(key, 'known')
      if (before.some((fingerprint) => fingerprint.toUpperCase() === certificate)) {
        upgrade(known, target, key)
        return accept(key, 'known')
      }
      const [last] = before
      if (!acceptNewKey && last !== undefined) throw changed(server, { key, certificate }, last, file)
      if (!acceptNewKey && ask === undefined) throw unknown(server, key)
      if (!acceptNewKey) return undefined
      known.keep(host, port, key)
      report(last === undefined ? firstTime(server, key) : `new key of ${server}: its fingerprint is ${key}`)
      return accept(key, 'new')
    },
    async confirm({ key }) {
      const answer = await ask?.(firstTime(server, key), 'Did the server print this at its start?')
      if (answer !== true) throw unknown(server, key)
      known.keep(host, port, key)
      accept(key, 'new')
    },
  }
}

function firstTime(server: string, key: string): string {
  return `first time at ${server}: the fingerprint of its key is ${key}`
}

/** A server that was known by its certificate is known by its key from now on; where that can't be written, as it was. */
function upgrade(known: KnownHosts, { host, port }: TrustOptions['target'], key: string): void {
  try {
    known.keep(host, port, key)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
  }
}

function changed(server: string, { key, certificate }: ServerIdentity, before: string, file: string): ProtocolError {
  const [what, now] = before.startsWith('SHA256:') ? ['key', key] : ['certificate', certificate]
  return new ProtocolError(
    'KEY_CHANGED',
    `${server} shows another ${what} than before: ${now}, where ${before} was known`,
    {
      hint: `somebody may be reading along; if the server's operator confirms the new one: --accept-new-key (known ones are in ${file})`,
    },
  )
}

function unknown(server: string, key: string): ProtocolError {
  return new ProtocolError('KEY_UNKNOWN', `${server} is not known yet, and nobody confirmed its key ${key}`, {
    hint: 'compare it with what the server printed at its start; if it is the same: --accept-new-key',
  })
}

function readCa(file: string): string {
  const text = readGivenSecret(file)
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new StorageError('BAD_CERTIFICATE', `${file} holds no certificate in PEM form`)
}
