import { createPrivateKey } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { createSecureContext } from 'node:tls'
import { errorCode, reasonOf, StorageError, UsageError } from '../base/errors.ts'
import { fingerprint, type KeyPair, selfSignedCertificate } from '../net/certificate.ts'

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
  if (tlsCert !== undefined) return checked({ cert: read(tlsCert), key: read(tlsKey ?? tlsCert) }, tlsCert)
  if (tlsKey !== undefined) throw new UsageError('--tls-key needs --tls-cert')
  if (!tls) return undefined
  try {
    const kept = readFileSync(keptFile, 'utf8')
    return checked({ cert: kept, key: kept }, keptFile)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw asStorageError(error, keptFile)
  }
  const made = selfSignedCertificate(hostname(), nowMs)
  try {
    writeFileSync(keptFile, made.key + made.cert, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    // Half a file would be in the way of the next start; a whole one may be of another server that starts just now.
    if (errorCode(error) !== 'EEXIST') rmSync(keptFile, { force: true })
    throw new StorageError(errorCode(error), `cannot keep a new certificate in ${keptFile}: ${reasonOf(error)}`, {
      hint: 'start in a folder that can be written, or give --tls-cert and --tls-key',
      cause: error,
    })
  }
  return made
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw asStorageError(error, file)
  }
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
