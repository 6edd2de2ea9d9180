import { expect, test } from '@jest/globals'
import { selfSignedCertificate } from '../../src/net/certificate.ts'
import { checkPair } from '../../src/net/certificate-check.ts'
import { pem } from '../support/certificates.ts'

const nowMs = Date.UTC(2027, 0, 1)

function check(cert: string, key: string, passphrase?: string) {
  return checkPair({ cert, certName: 'c.pem', key, keyName: 'k.pem', passphrase })
}

test.each([
  ['a leaf alone', pem.leaf, pem.leafKey],
  ['its chain', pem.leaf + pem.intermediate, pem.leafKey],
  ['its chain with the root', pem.leaf + pem.intermediate + pem.root, pem.leafKey],
  ['an encrypted key', pem.leaf, pem.encryptedKey, 'correct'],
  ['a key encrypted in the older way', pem.leaf, pem.olderEncryptedKey, 'correct'],
  ['one file for both', pem.leafKey + pem.leaf + pem.intermediate, pem.leafKey + pem.leaf + pem.intermediate],
  ['RSA', pem.rsa, pem.rsaKey],
  ['a needless passphrase', pem.rsa, pem.rsaKey, 'needless'],
])('%s will do, and its key goes to the threads in the clear', async (_, cert, key, ...[passphrase]: string[]) => {
  const checked = await check(cert, key, passphrase)
  expect(checked).toMatchObject({ cert, untrusted: undefined })
  expect(checked.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
})

test.each([
  ['nothing', '', pem.leafKey, /^c\.pem holds no certificate in PEM form$/, /^it is empty$/],
  ['DER', '0\x82\x01', pem.leafKey, /^c\.pem holds no certificate in PEM form$/, /openssl x509 -inform der/],
  ['a key in its place', pem.leafKey, pem.leafKey, /^c\.pem holds no certificate/, /--tls-cert names the certificate/],
  ['a damaged one', pem.leaf.replace(/M/, 'x'), pem.leafKey, /^certificate 1 in c\.pem is damaged$/, /copy/],
  [
    'a damaged second one',
    pem.leaf + pem.root.replace(/M/, 'x'),
    pem.leafKey,
    /^certificate 2 in c\.pem is damaged$/,
    /copy/,
  ],
  ['no key', pem.leaf, pem.leaf, /^k\.pem holds no private key in PEM form$/, /--tls-key the private key/],
  ['half a key', pem.leaf, pem.leafKey.slice(0, 120), /^the private key in k\.pem is damaged$/, /copy/],
  ['a public key', pem.leaf, '-----BEGIN PUBLIC KEY-----\n', /no private key/, /^what it holds is a public key/],
  [
    'a key of another type',
    pem.rsa,
    pem.leafKey,
    /^the private key in k\.pem does not belong to the certificate in c\.pem: one is ECDSA, the other is for RSA$/,
    /requested/,
  ],
  [
    'another key',
    pem.intermediate,
    pem.leafKey,
    /^the private key in k\.pem does not belong to the certificate in c\.pem$/,
    /requested/,
  ],
  [
    'a chain upside down',
    pem.intermediate + pem.leaf,
    pem.leafKey,
    /^the certificate for the key in k\.pem is number 2 in c\.pem$/,
    /comes first/,
  ],
  [
    'a chain in disorder',
    pem.leaf + pem.root + pem.intermediate,
    pem.leafKey,
    /^certificate 2 in c\.pem \(CN=root\) did not sign certificate 1$/,
    /comes first/,
  ],
  [
    'a chain with a gap',
    pem.leaf + pem.root,
    pem.leafKey,
    /^certificate 2 in c\.pem \(CN=root\) did not sign certificate 1$/,
    /comes first/,
  ],
  [
    'a stranger behind it',
    pem.leaf + pem.intermediate + pem.rsa,
    pem.leafKey,
    /^certificate 3 in c\.pem \(CN=rsa\) did not sign certificate 2$/,
    /no others/,
  ],
  [
    'a key that is too short',
    pem.small,
    pem.smallKey,
    /^no TLS connection succeeds with the certificate in c\.pem: ee key too small$/,
    /2,048/,
  ],
])('%s is refused in a sentence', async (_, cert, key, message, hint) => {
  await expect(check(cert, key)).rejects.toMatchObject({
    name: 'StorageError',
    code: 'BAD_CERTIFICATE',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  })
})

test.each([
  [pem.encryptedKey, undefined, 'the private key in k.pem is encrypted'],
  [pem.olderEncryptedKey, undefined, 'the private key in k.pem is encrypted'],
  [pem.encryptedKey, 'wrong', 'the passphrase does not open the private key in k.pem'],
  [pem.olderEncryptedKey, '', 'the passphrase does not open the private key in k.pem'],
])('an encrypted key without its passphrase is told from one with another (%#)', async (key, passphrase, message) => {
  await expect(check(pem.leaf, key, passphrase)).rejects.toMatchObject({ code: 'ENCRYPTED_KEY', message })
})

test('a certificate that is no good for servers is taken, with a word about it', async () => {
  expect((await check(pem.clientLeaf, pem.leafKey)).untrusted).toBe('INVALID_PURPOSE')
})

test('the chain ends when the first of its certificates does, also in the past', async () => {
  const { cert, key } = selfSignedCertificate('netlab', Date.UTC(1975, 0, 2))
  expect(await check(cert, key)).toMatchObject({ beginsMs: Date.UTC(1975, 0, 1), untrusted: undefined })
  expect((await check(cert, key)).endsMs).toBeLessThan(nowMs)
})

test('a renewed certificate with the same key has the same fingerprint of its key, and another of its own', async () => {
  const [before, after] = await Promise.all([pem.leaf, pem.renewedLeaf].map((cert) => check(cert, pem.leafKey)))
  expect(after?.keyFingerprint).toBe(before?.keyFingerprint)
  expect(after?.fingerprint).not.toBe(before?.fingerprint)
})
