import { X509Certificate } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { fingerprint, selfSignedCertificate } from '../../src/net/certificate.ts'

const nowMs = Date.UTC(2049, 11, 31)

test('a certificate of ours is one to everybody else', () => {
  const { cert, key } = selfSignedCertificate('netlab', nowMs)
  const x509 = new X509Certificate(cert)
  expect(x509.subject).toBe('CN=netlab')
  expect(x509.issuer).toBe('CN=netlab')
  expect(x509.subjectAltName).toBe('DNS:netlab, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
  expect(x509.verify(x509.publicKey)).toBe(true)
  expect(x509.checkHost('netlab')).toBe('netlab')
  expect(x509.checkHost('localhost')).toBe('localhost')
  expect(x509.checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(Date.parse(x509.validFrom)).toBe(nowMs - 86_400_000)
  expect(new Date(x509.validTo).getUTCFullYear()).toBe(2059)
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
})

test('serial numbers are positive, and no two certificates are the same', () => {
  const certs = Array.from({ length: 20 }, () => selfSignedCertificate('netlab', nowMs).cert)
  for (const cert of certs) expect(new X509Certificate(cert).serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
  expect(new Set(certs.map(fingerprint)).size).toBe(20)
  expect(fingerprint(certs[0] ?? '')).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
})
