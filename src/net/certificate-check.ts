import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { duplexPair } from 'node:stream'
import { connect, createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { errorMessage, StorageError } from '../base/errors.ts'
import { type KeyPair, keyFingerprint } from './certificate.ts'
import { serverTls } from './tls-settings.ts'

/** A certificate that a server can show, with what is to be known of it. */
export interface CheckedPair extends KeyPair {
  /** Of its public key: by it clients know the server again. */
  readonly keyFingerprint: string
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint` writes it. */
  readonly fingerprint: string
  /** When it begins to be valid, in ms since 1970. */
  readonly beginsMs: number
  /** When the first certificate of the chain ends to be valid, in ms since 1970. */
  readonly endsMs: number
  /** Why clients that check certificates will not take it, in OpenSSL's words. Not that its time is over: `endsMs` tells that. */
  readonly untrusted: string | undefined
}

/** Texts as an operator gave them, and what to call them. */
export interface GivenPair {
  readonly cert: string
  readonly certName: string
  readonly key: string
  readonly keyName: string
  readonly passphrase: string | undefined
}

/**
 * Makes sure that a server can use this pair: that its parts are what they should be, belong together and stand in order, and
 * that a TLS handshake with them succeeds.
 * @throws {StorageError} ENCRYPTED_KEY when the key needs a passphrase, or another one; BAD_CERTIFICATE for all else.
 */
export async function checkPair(given: GivenPair): Promise<CheckedPair> {
  const chain = certificates(given.cert, given.certName)
  const key = privateKey(given)
  const [leaf] = chain
  demandFit(chain, key, given)
  demandOrder(chain, given.certName)
  const pair = { cert: given.cert, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
  const trouble = await handshakeWithItself(pair, chain.at(-1)?.toString(), given.certName)
  return {
    ...pair,
    keyFingerprint: keyFingerprint(leaf),
    fingerprint: leaf.fingerprint256,
    beginsMs: Math.max(...chain.map(({ validFrom }) => Date.parse(validFrom))),
    endsMs: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))),
    untrusted: trouble === undefined || aboutTime.has(trouble) ? undefined : trouble,
  }
}

const aboutTime = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

type Chain = readonly [X509Certificate, ...X509Certificate[]]

function certificates(text: string, name: string): Chain {
  const blocks = text.match(/-----BEGIN ((X509|TRUSTED) )?CERTIFICATE-----[^-]*-----END [A-Z0-9 ]+-----/g) ?? []
  const [leaf, ...others] = blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch (error) {
      throw bad(`${ordinal(index)} in ${name} is damaged`, 'copy the file again from where it came', error)
    }
  })
  if (leaf === undefined)
    throw bad(`${name} holds no certificate in PEM form`, notPem(text, 'openssl x509 -inform der'))
  return [leaf, ...others]
}

/** @throws {StorageError} as `checkPair` */
export function privateKey({ key, keyName, passphrase }: Omit<GivenPair, 'cert' | 'certName'>): KeyObject {
  if (!/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(key)) {
    const publicKey = key.includes('PUBLIC KEY') ? 'what it holds is a public key; ' : ''
    throw bad(`${keyName} holds no private key in PEM form`, publicKey + notPem(key, 'openssl pkey -inform der'))
  }
  const encrypted = isEncrypted(key)
  if (encrypted && passphrase === undefined) {
    throw new StorageError('ENCRYPTED_KEY', `the private key in ${keyName} is encrypted`, {
      hint: 'name the file of its passphrase with --tls-passphrase-file, or start the server on a terminal, which asks',
    })
  }
  try {
    return createPrivateKey({ key, ...(encrypted && { passphrase: passphrase ?? '' }) })
  } catch (error) {
    if (!encrypted)
      throw bad(`the private key in ${keyName} is damaged`, 'copy the file again from where it came', error)
    throw new StorageError('ENCRYPTED_KEY', `the passphrase does not open the private key in ${keyName}`, {
      hint: 'it is the one that was given when the key was made',
      cause: error,
    })
  }
}

/** Whether a private key in PEM form needs a passphrase: PKCS #8, and OpenSSL's older form (RFC 1421). */
export function isEncrypted(key: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: *4, *ENCRYPTED/.test(key)
}

/** A file of another form says so in its first byte (DER, PKCS #12) or in its first words. */
function notPem(text: string, convert: string): string {
  if (text.trim() === '') return 'it is empty'
  if (text.startsWith('0'))
    return `in DER form, it becomes PEM with ${convert}; a .p12 or .pfx with openssl pkcs12 -nodes`
  return '--tls-cert names the certificate, --tls-key the private key where it is in a file of its own'
}

function demandFit(chain: Chain, key: KeyObject, { certName, keyName }: GivenPair): void {
  const [leaf] = chain
  if (leaf.checkPrivateKey(key)) return
  const place = chain.findIndex((one) => one.checkPrivateKey(key))
  if (place > 0) {
    throw bad(
      `the certificate for the key in ${keyName} is number ${place + 1} in ${certName}`,
      "the server's own certificate comes first, then each one that signed the one before it",
    )
  }
  const { asymmetricKeyType: has } = key
  const { asymmetricKeyType: wants } = leaf.publicKey
  const types = has === wants ? '' : `: one is ${typeName(has)}, the other is for ${typeName(wants)}`
  throw bad(
    `the private key in ${keyName} does not belong to the certificate in ${certName}${types}`,
    'a certificate goes with the key that it was requested for',
  )
}

const typeNames = new Map([
  ['rsa', 'RSA'],
  ['rsa-pss', 'RSA-PSS'],
  ['dsa', 'DSA'],
  ['ec', 'ECDSA'],
])

function typeName(type = 'unknown'): string {
  return typeNames.get(type) ?? type
}

function demandOrder(chain: Chain, certName: string): void {
  for (const [index, issuer] of chain.slice(1).entries()) {
    const issued = chain[index]
    if (issued?.checkIssued(issuer) === true && issued.verify(issuer.publicKey)) continue
    throw bad(
      `${ordinal(index + 1)} in ${certName} (${nameOf(issuer)}) did not sign ${ordinal(index)}`,
      "the server's own certificate comes first, then each one that signed the one before it, and no others",
    )
  }
}

function ordinal(index: number): string {
  return `certificate ${index + 1}`
}

function nameOf({ subject }: X509Certificate): string {
  return (subject ?? '').replaceAll('\n', ', ')
}

/** Connects a client to a server inside this process. Returns why a client that checks certificates would not go on. */
async function handshakeWithItself(pair: KeyPair, ca: string | undefined, name: string): Promise<string | undefined> {
  const [ours, theirs] = duplexPair()
  const secureContext = serverContext(pair, name)
  const server = new TLSSocket(ours, { isServer: true, secureContext })
  const client = connect({
    socket: theirs,
    ...(ca !== undefined && { ca }),
    allowPartialTrustChain: true,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  })
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('secureConnect', resolve)
      for (const one of [server, client]) one.on('error', reject).once('close', () => reject(new Error('it broke off')))
    })
    const { authorizationError } = client
    return authorizationError ? String(authorizationError) : undefined
  } catch (error) {
    throw unusable(name, error)
  } finally {
    client.destroy()
    server.destroy()
  }
}

function serverContext(pair: KeyPair, name: string): SecureContext {
  try {
    return createSecureContext({ ...pair, ...serverTls })
  } catch (error) {
    throw unusable(name, error)
  }
}

function unusable(name: string, error: unknown): StorageError {
  const reason =
    typeof error === 'object' && error !== null && 'reason' in error ? String(error.reason) : errorMessage(error)
  return bad(
    `no TLS connection succeeds with the certificate in ${name}: ${reason}`,
    'an RSA key of 2,048 bits or an ECDSA key on P-256, signed with SHA-256, works everywhere',
    error,
  )
}

function bad(message: string, hint: string, cause?: unknown): StorageError {
  return new StorageError('BAD_CERTIFICATE', message, { hint, cause })
}
