import { createPrivateKey, X509Certificate } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { isSelfMade, keyFingerprint, selfSignedCertificate } from '../../src/net/certificate.ts'

import { pem } from '../support/certificates.ts'

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
  const keys = certs.map((cert) => keyFingerprint(new X509Certificate(cert)))
  expect(new Set(keys).size).toBe(20)
  for (const key of keys) expect(key).toMatch(/^SHA256:[\w+/]{43}$/)
})

test('it is renewed with the key that it had, and known from those that others made', () => {
  const first = selfSignedCertificate('netlab', nowMs)
  const renewed = selfSignedCertificate('other', nowMs, createPrivateKey(first.key))
  expect(renewed.key).toBe(first.key)
  const [one, other] = [first, renewed].map(({ cert }) => new X509Certificate(cert))
  expect(other && keyFingerprint(other)).toBe(one && keyFingerprint(one))
  expect(isSelfMade(renewed.cert)).toBe(true)
  for (const cert of [pem.leaf, pem.root, pem.rsa]) expect(isSelfMade(cert)).toBe(false)
})

test('the fingerprint of a key is the one that OpenSSL computes', () => {
  // openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
  expect(keyFingerprint(new X509Certificate(pem.leaf))).toBe('SHA256:nDb42A+xm+E59jeFY+dwsGUnehI2DmesASPvEX3te7g')
})
