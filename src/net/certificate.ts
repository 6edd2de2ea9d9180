import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { netLimits } from './limits.ts'

/** PEM texts. */
export interface KeyPair {
  readonly key: string
  readonly cert: string
}

const oid = {
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  commonName: [0x55, 0x04, 0x03],
  subjectAltName: [0x55, 0x1d, 0x11],
} as const

const tag = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
  dnsName: 0x82,
  ipAddress: 0x87,
} as const

/** So that this machine can check it by name, too (`connect --tls-ca`). */
const ipv4Loopback = [127, 0, 0, 1]
const ipv6Loopback = [...new Array<number>(15).fill(0), 1]

/**
 * A self-signed certificate (RFC 5280) for TLS servers, ECDSA on P-256, valid for ten years from `nowMs`: clients recognise
 * the server by its key, so it is renewed with the one that it had, `privateKey`.
 */
export function selfSignedCertificate(commonName: string, nowMs: number, privateKey: KeyObject = newKey()): KeyPair {
  const algorithm = sequence(der(tag.oid, oid.ecdsaWithSha256))
  const name = sequence(der(tag.set, sequence(der(tag.oid, oid.commonName), der(tag.utf8, Buffer.from(commonName)))))
  const names = [commonName, 'localhost'].map((host) => der(tag.dnsName, Buffer.from(host)))
  const addresses = [ipv4Loopback, ipv6Loopback].map((bytes) => der(tag.ipAddress, bytes))
  const alternatives = sequence(der(tag.oid, oid.subjectAltName), der(tag.octets, sequence(...names, ...addresses)))
  // A positive integer of 16 random bytes: the top bit must be clear, the next one keeps the length fixed.
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  const body = sequence(
    der(0xa0, der(tag.integer, [2])),
    der(tag.integer, serial),
    algorithm,
    name,
    sequence(time(nowMs - netLimits.certificateEarlyMs), time(nowMs + netLimits.certificateMs)),
    name,
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(alternatives)),
  )
  const signature = der(tag.bits, [0], sign('sha256', body, privateKey))
  const text = sequence(body, algorithm, signature)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
  }
}

/** Whether it is a certificate that `selfSignedCertificate` made, and not somebody else's. */
export function isSelfMade(cert: string): boolean {
  const { subject, issuer, subjectAltName } = new X509Certificate(cert)
  const names = `DNS:${subject?.replace('CN=', '')}, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1`
  return subject === issuer && subjectAltName === names
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

/**
 * SHA-256 of the certificate's public key (SubjectPublicKeyInfo, as RFC 7469 pins it), written as ssh-keygen writes
 * fingerprints. A renewed certificate with the same key has the same one.
 */
export function keyFingerprint({ publicKey }: Pick<X509Certificate, 'publicKey'>): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return `SHA256:${createHash('sha256').update(spki).digest('base64').replace('=', '')}`
}

/** Whole seconds in UTC: UTCTime until 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`
  if (new Date(ms).getUTCFullYear() < 2050) return der(tag.utcTime, Buffer.from(digits.slice(2)))
  return der(tag.time, Buffer.from(digits))
}

function sequence(...parts: Uint8Array[]): Buffer {
  return der(tag.sequence, ...parts)
}

/** Tag, length, value (X.690, DER). */
function der(type: number, ...parts: (Uint8Array | readonly number[])[]): Buffer {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part)))
  const length = value.length < 128 ? [value.length] : [0x82, value.length >> 8, value.length & 0xff]
  return Buffer.concat([Buffer.from([type, ...length]), value])
}
