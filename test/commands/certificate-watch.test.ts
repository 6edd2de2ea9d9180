import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import type { NetlabEvent } from '../../src/base/events.ts'
import { CertificateWatch } from '../../src/commands/certificate-watch.ts'
import { commandLimits } from '../../src/commands/limits.ts'
import { ServerCertificate } from '../../src/commands/server-certificate.ts'
import { type KeyPair, selfSignedCertificate } from '../../src/net/certificate.ts'
import { pem } from '../support/certificates.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const { certificatePollMs, certificateWarningMs, certificateNoticeMs } = commandLimits
const dayMs = 86_400_000
/** All certificates of `pem` are valid. */
const startMs = Date.UTC(2027, 0, 1)
let watch: CertificateWatch | undefined
afterEach(() => watch?.close())

/** A watched certificate in two files of a folder of its own. */
async function setup(pair: KeyPair = { cert: pem.leaf, key: pem.leafKey }, extra: { passphraseFile?: string } = {}) {
  const folder = temporaryFolder()
  const tlsCert = join(folder, 'c.pem')
  const tlsKey = join(folder, 'k.pem')
  const put = (cert: string, key = pair.key): void => {
    writeFileSync(tlsCert, cert)
    writeFileSync(tlsKey, key)
  }
  put(pair.cert)
  const options = { tls: false, tlsCert, tlsKey, tlsPassphraseFile: extra.passphraseFile, tlsPassphrase: undefined }
  const clock = new VirtualClock(startMs)
  const certificate = await ServerCertificate.open(options, clock.now(), undefined)
  if (certificate === undefined) throw new Error('no certificate')
  const events: NetlabEvent[] = []
  const use = jest.fn<(pair: KeyPair) => void>()
  watch = new CertificateWatch(certificate, { clock, use, tell: (event) => void events.push(event) })
  /** The types of what was told since it was last asked. */
  const told = () => events.splice(0).map(({ type }) => type)
  /** Lets time pass, and what comes due come to its end: the look at the files and the daily one are then waited for again. */
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    for (let turns = 0; clock.pending < 2 && turns < 100_000; turns++) await new Promise(setImmediate)
  }
  watch.start()
  return { folder, tlsCert, tlsKey, put, clock, events, told, use, pass, watch }
}

describe('files that change', () => {
  test('are read when both are there, and the new certificate is used', async () => {
    const { put, pass, told, use, events } = await setup()
    expect(told()).toEqual(['certificate-loaded'])
    put(pem.rsa)
    await pass(certificatePollMs)
    // The key comes a moment after its certificate.
    put(pem.rsa, pem.rsaKey)
    await pass(certificatePollMs)
    expect(use).not.toHaveBeenCalled()
    await pass(certificatePollMs)
    expect(use.mock.calls).toEqual([[{ cert: pem.rsa, key: expect.stringContaining('PRIVATE KEY') }]])
    expect(events).toMatchObject([{ type: 'certificate-loaded', until: expect.stringMatching(/^21/) }])
    await pass(certificatePollMs)
    expect(use).toHaveBeenCalledTimes(1)
  })

  test('are seen behind a link, and when the link leads elsewhere', async () => {
    const { folder, tlsCert, pass, use } = await setup()
    mkdirSync(join(folder, 'new'))
    writeFileSync(join(folder, 'new', 'c.pem'), pem.renewedLeaf)
    rmSync(tlsCert)
    symlinkSync(join('new', 'c.pem'), tlsCert)
    await pass(certificatePollMs)
    await pass(certificatePollMs)
    expect(use.mock.lastCall?.[0].cert).toBe(pem.renewedLeaf)
    writeFileSync(join(folder, 'new', 'c.pem'), pem.leaf)
    await pass(certificatePollMs)
    await pass(certificatePollMs)
    expect(use.mock.lastCall?.[0].cert).toBe(pem.leaf)
  })

  test.each([
    ['do not fit', (cert: string) => writeFileSync(cert, pem.rsa), /does not belong to the certificate/],
    ['are gone', (cert: string) => rmSync(cert), /there is no such file/],
    ['are half written', (cert: string) => writeFileSync(cert, pem.leaf.slice(0, 99)), /holds no certificate/],
    [
      'need a passphrase',
      (_: string, key: string) => writeFileSync(key, pem.encryptedKey),
      /is encrypted.*--tls-passphrase-file/,
    ],
    [
      'are no files',
      (cert: string) => {
        rmSync(cert)
        mkdirSync(cert)
      },
      /not read from a file/,
    ],
  ])('and %s: the certificate before stays, and that is said once', async (_, spoil, error) => {
    const { tlsCert, tlsKey, put, pass, told, use, events } = await setup()
    told()
    spoil(tlsCert, tlsKey)
    for (let looks = 0; looks < 4; looks++) await pass(certificatePollMs)
    expect(use).not.toHaveBeenCalled()
    expect(events.splice(0)).toEqual([{ type: 'certificate-rejected', error: expect.stringMatching(error) }])
    rmSync(tlsCert, { recursive: true, force: true })
    put(pem.leaf)
    await pass(certificatePollMs)
    await pass(certificatePollMs)
    // The same as before: nothing changes, and the operator hears that all is well again.
    expect(use).not.toHaveBeenCalled()
    expect(told()).toEqual(['certificate-loaded'])
  })

  test('are left alone while nothing but their time changes', async () => {
    const { put, pass, told, use } = await setup()
    told()
    put(pem.leaf)
    await pass(certificatePollMs)
    await pass(certificatePollMs)
    expect([told(), use.mock.calls]).toEqual([[], []])
  })
})

test('whoever asks for a reload gets it at once, and hears of the same certificate too', async () => {
  const { put, told, use, watch } = await setup()
  told()
  await watch.reload()
  expect([told(), use.mock.calls.length]).toEqual([['certificate-loaded'], 0])
  put(pem.renewedLeaf)
  await watch.reload()
  expect([told(), use.mock.calls.length]).toEqual([['certificate-loaded'], 1])
})

test('a renewed key is opened with the passphrase of the file, which may be a new one', async () => {
  const passphraseFile = join(temporaryFolder(), 'passphrase')
  writeFileSync(passphraseFile, 'correct\n')
  const { told, watch } = await setup({ cert: pem.leaf, key: pem.encryptedKey }, { passphraseFile })
  told()
  writeFileSync(passphraseFile, 'wrong\n')
  await watch.reload()
  expect(told()).toEqual(['certificate-rejected'])
})

describe('the end of a certificate', () => {
  const lifeMs = 10 * 365.25 * dayMs
  /** One whose end is so far away. */
  const ending = (inMs: number) => selfSignedCertificate('netlab', new VirtualClock(startMs).now() + inMs - lifeMs)

  test.each([
    [certificateNoticeMs + dayMs, []],
    [certificateNoticeMs - dayMs, [{ days: 13 }]],
    [dayMs / 2, [{ days: 0 }]],
    [-dayMs / 2, [{ days: -1 }]],
  ])('in %d ms is told at the start: %j', async (inMs, expected) => {
    const { events } = await setup(ending(inMs))
    expect(events.filter(({ type }) => type === 'certificate-ending')).toMatchObject(expected)
  })

  test('is told once a day, until there is another one', async () => {
    const { told, pass, put, watch } = await setup(ending(certificateNoticeMs + dayMs / 2))
    expect(told()).toEqual(['certificate-loaded'])
    await pass(certificateWarningMs)
    await pass(certificateWarningMs)
    expect(told()).toEqual(['certificate-ending', 'certificate-ending'])
    put(pem.leaf, pem.leafKey)
    await watch.reload()
    await pass(certificateWarningMs)
    expect(told()).toEqual(['certificate-loaded'])
  })

  test('its beginning is told while that is to come, and so is what clients have against it', async () => {
    const early = await setup(selfSignedCertificate('netlab', startMs + 30 * dayMs))
    expect(early.told()).toEqual(['certificate-loaded', 'certificate-early'])
    early.watch.close()
    expect((await setup({ cert: pem.clientLeaf, key: pem.leafKey })).told()).toEqual([
      'certificate-loaded',
      'certificate-untrusted',
    ])
  })
})
