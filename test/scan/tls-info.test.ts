import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { systemClock } from '../../src/base/clock.ts'
import { visible } from '../../src/base/visible.ts'
import { scanLimits } from '../../src/scan/limits.ts'
import { askTls, type CertificateFields, readCertificate } from '../../src/scan/tls-info.ts'
import { pem } from '../support/certificates.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const host = { address: '127.0.0.1', family: 4, name: 'bücher.example.' } as const
const own = { key: pem.leafKey, cert: pem.leaf }

async function asked(server: Server, clock = systemClock, signal = new AbortController().signal) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    return await askTls({ host, port, clock, signal })
  } finally {
    server.close()
  }
}

function withTls(options: TlsOptions): Server {
  return createTlsServer({ ...own, ...options }, (socket) => socket.on('error', () => {})).on(
    'tlsClientError',
    () => {},
  )
}

function plain(serve: (socket: Socket) => void): Server {
  return createServer((socket) => serve(socket.on('error', () => {})))
}

describe('what a port says in TLS', () => {
  const names = ['localhost', '127.0.0.1']
  test.each<[string, TlsOptions, object]>([
    ['the newest version', {}, { version: 'TLSv1.3' }],
    ['an old one', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }, { version: 'TLSv1' }],
    ['a protocol of ours', { ALPNProtocols: ['http/1.1', 'h2'] }, { alpn: 'http/1.1' }],
    ['no protocol of ours, which ended the first handshake', { ALPNProtocols: ['imap'] }, { version: 'TLSv1.3' }],
    [
      'only clients with a certificate',
      { requestCert: true, maxVersion: 'TLSv1.2' },
      { refused: expect.stringContaining('handshake failure') },
    ],
    ['only clients with a certificate, told after the handshake', { requestCert: true }, { version: 'TLSv1.3' }],
  ])('%s', async (_, options, said) => {
    const tls = await asked(withTls(options))
    expect(tls).toMatchObject({ ...said, certificate: { subject: 'CN=localhost', issuer: 'CN=intermediate', names } })
    expect(tls?.certificate?.validTo).toBe('2126-11-04T15:27:55.000Z')
  })

  test('the name that was typed is asked for, as ASCII and without its dot', async () => {
    let name = ''
    const server = withTls({
      SNICallback(asked, done) {
        name = asked
        done(null)
      },
    })
    await asked(server)
    expect(name).toBe('xn--bcher-kva.example')
  })

  test('none that shows a certificate', async () => {
    const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 40])
    const tls = await asked(plain((socket) => socket.once('data', () => socket.end(alert))))
    expect(tls).toEqual({ refused: expect.stringContaining('handshake failure') })
  })

  test.each<[string, (socket: Socket) => void]>([
    ['speaks first', (socket) => void socket.write('SSH-2.0-x\r\n')],
    [
      'answers in its own words',
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
    ['hangs up', (socket) => void socket.once('data', () => socket.end())],
    ['resets', (socket) => void socket.once('data', () => socket.resetAndDestroy())],
    ['sends garbage', (socket) => void socket.once('data', () => socket.end(Buffer.alloc(70_000, 0x16)))],
  ])('nothing, where one %s', async (_, serve) => {
    expect(await asked(plain(serve))).toBeUndefined()
  })

  test('nothing, where nobody says anything in time or the scan is stopped', async () => {
    const clock = new VirtualClock()
    expect(
      await asked(
        plain((socket) => socket.once('data', () => clock.advance(scanLimits.tlsMs))),
        clock,
      ),
    ).toBeUndefined()
    expect(clock.pending).toBe(0)
    const stopping = new AbortController()
    const silent = plain((socket) => socket.once('data', () => stopping.abort()))
    expect(await asked(silent, new VirtualClock(), stopping.signal)).toBeUndefined()
    expect(await asked(silent, new VirtualClock(), stopping.signal)).toBeUndefined()
  })
})

describe('what a certificate says', () => {
  const fields: CertificateFields = {
    subject: 'CN=old.example\nO=x',
    subjectAltName: undefined,
    issuer: "C=US\nO=Let's Encrypt\nCN=R3",
    validFromDate: new Date('2026-01-01T00:00:00Z'),
    validToDate: new Date('2026-04-01T00:00:00Z'),
    fingerprint256: 'AB',
  }
  const now = Date.parse('2026-03-30T12:00:00Z')

  test('its common name where it has no other, its issuer in a line, its days', () => {
    expect(readCertificate(fields, now)).toEqual({
      subject: 'CN=old.example, O=x',
      names: ['old.example'],
      issuer: "C=US, O=Let's Encrypt, CN=R3",
      validFrom: '2026-01-01T00:00:00.000Z',
      validTo: '2026-04-01T00:00:00.000Z',
      daysLeft: 1,
      fingerprint: 'AB',
    })
    expect(readCertificate(fields, Date.parse('2026-04-01T00:00:01Z')).daysLeft).toBe(-1)
  })

  test('names and addresses, one that pretends to be several among them, and no others', () => {
    const subjectAltName =
      'DNS:*.a.example, IP Address:0:0:0:0:0:0:0:1, URI:http://x/, DNS:"b, DNS:c", email:a@b, DNS:*.a.example'
    expect(readCertificate({ ...fields, subjectAltName }, now).names).toEqual(['*.a.example', '::1', '"b, DNS:c"'])
  })

  test('property: whatever stands in it, its text is bounded and nothing in it acts', () => {
    const any = fc.string({ unit: 'binary', maxLength: 2000 })
    fc.assert(
      fc.property(
        any,
        any,
        fc.array(any, { maxLength: 50 }),
        fc.date({ noInvalidDate: false }),
        (subject, issuer, names, to) => {
          const subjectAltName = names.map((name) => `DNS:${name}`).join(', ')
          const read = readCertificate({ ...fields, subject, issuer, subjectAltName, validToDate: to }, now)
          expect(JSON.stringify(read).length).toBeLessThan(
            2 * scanLimits.certificateText * (scanLimits.certificateNames + 3),
          )
          for (const text of [read.subject, read.issuer, ...read.names]) expect(visible(text)).toBe(text)
          expect(Number.isNaN(read.daysLeft ?? 0)).toBe(false)
        },
      ),
      { numRuns: 30 },
    )
  })
})
