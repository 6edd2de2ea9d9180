import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { createSecureContext } from 'node:tls'
import { errorCode, reasonOf, StorageError, UsageError } from '../base/errors.ts'
import { createFileSync } from '../files/replace-file.ts'
import { fingerprint, type KeyPair, selfSignedCertificate } from '../net/certificate.ts'
import { readGivenFile } from './input.ts'

/** Where a certificate that netlab made for itself is kept, with its key. */
const keptFile = 'netlab-tls.pem'

export interface CertificateOptions {
  readonly tls: boolean
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
}

/**
 * The certificate that a server shows: the operator's own, or one made at the first start; `undefined` without TLS.
 * @throws {StorageError} when a file can't be read or holds no matching pair; {UsageError} for a key without a certificate.
 */
export function serverCertificate({ tls, tlsCert, tlsKey }: CertificateOptions, nowMs: number): KeyPair | undefined {
  if (tlsCert !== undefined)
    return checked({ cert: readGivenFile(tlsCert), key: readGivenFile(tlsKey ?? tlsCert) }, tlsCert)
  if (tlsKey !== undefined) throw new UsageError('--tls-key needs --tls-cert')
  if (!tls) return undefined
  return kept() ?? make(nowMs)
}

/** What an earlier start made, if there was one. */
function kept(): KeyPair | undefined {
  try {
    const text = readFileSync(keptFile, 'utf8')
    return checked({ cert: text, key: text }, keptFile)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw asStorageError(error, keptFile)
  }
}

/** The one that is kept from now on: another server's that starts just now, if it was faster. */
function make(nowMs: number): KeyPair {
  const made = selfSignedCertificate(hostname(), nowMs)
  try {
    if (createFileSync(keptFile, made.key + made.cert, 0o600)) return made
  } catch (error) {
    throw cannotKeep(errorCode(error), error)
  }
  const others = kept()
  // The name is taken, and yet nothing is there: a link that leads nowhere.
  if (others === undefined) throw cannotKeep('ENOENT')
  return others
}

function cannotKeep(code: string, cause?: unknown): StorageError {
  return new StorageError(code, `cannot keep a new certificate in ${keptFile}: ${reasonOf({ code })}`, {
    hint: 'start in a folder that can be written, or give --tls-cert and --tls-key',
    cause,
  })
}

function checked(pair: KeyPair, file: string): KeyPair {
  try {
    createSecureContext(pair)
    // It takes empty texts for none at all.
    fingerprint(pair.cert)
    createPrivateKey(pair.key)
    return pair
  } catch (error) {
    throw new StorageError('BAD_CERTIFICATE', `${file} holds no certificate with its private key`, {
      hint: 'both are needed in PEM form; --tls-key names the key where it is in a file of its own',
      cause: error,
    })
  }
}

function asStorageError(error: unknown, file: string): StorageError {
  if (error instanceof StorageError) return error
  return new StorageError(errorCode(error), `cannot read ${file}: ${reasonOf(error)}`, { cause: error })
}
