import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type ConnectionOptions, connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { domainToASCII } from 'node:url'
import type { Clock } from '../base/clock.ts'
import { visible } from '../base/visible.ts'
import { canonicalIp } from '../net/ip.ts'
import { scanLimits } from './limits.ts'
import type { CertificateInfo, ScanHost, TlsInfo } from './types.ts'

/** One open port to be asked, and what ends the asking. */
export interface TlsQuestion {
  readonly host: ScanHost
  readonly port: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Asks a port for TLS; undefined where it does not speak it, or was not heard in time. Never rejects. */
export type AskTls = (question: TlsQuestion) => Promise<TlsInfo | undefined>

/**
 * What is offered: HTTP, since most that speak TLS speak it. Old versions and weak keys, too, and any certificate is taken: what a
 * server has is to be told, not trusted, and nothing is sent to it.
 */
const offered = ['h2', 'http/1.1']
let context: SecureContext | undefined

function takesAnything(): ConnectionOptions {
  // One for all connections, and without the system's authorities, which take a while to load.
  context ??= createSecureContext({ minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0', ca: [] })
  return { secureContext: context, rejectUnauthorized: false }
}

/** RFC 7301, 3.2: nothing of what the client offered is spoken here. */
const noApplicationProtocol = 120

export const askTls: AskTls = async (question) => {
  const answer = await shakeHands(question, { ...takesAnything(), ALPNProtocols: offered })
  return answer.alert === noApplicationProtocol ? (await shakeHands(question, takesAnything())).info : answer.info
}

interface Handshake {
  readonly info?: TlsInfo
  /** The number of the alert that ended the handshake (RFC 8446, 6.2). */
  readonly alert?: number
}

function shakeHands({ host, port, clock, signal }: TlsQuestion, options: ConnectionOptions): Promise<Handshake> {
  return new Promise((resolve) => {
    const servername = serverName(host)
    const socket = connect({ ...options, host: host.address, port, ...(servername !== undefined && { servername }) })
    const end = (answer: Handshake): void => {
      timer.cancel()
      signal.removeEventListener('abort', stop)
      socket.destroy()
      resolve(answer)
    }
    const stop = (): void => end({})
    const timer = clock.after(scanLimits.tlsMs, stop)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    socket.once('secureConnect', () => end({ info: readSocket(socket, clock) }))
    // It stays: destroyed by us, the socket may still report what has happened to it.
    socket.on('error', (error) => end(refusal(error, socket, clock)))
    socket.once('close', stop)
  })
}

/** The name to ask for: what was typed, without the dot at its end (RFC 6066, 3), never an address. */
function serverName({ name = '' }: ScanHost): string | undefined {
  const ascii = domainToASCII(name.replace(/\.$/, ''))
  return ascii === '' || isIP(ascii) !== 0 ? undefined : ascii
}

function readSocket(socket: TLSSocket, clock: Clock): TlsInfo {
  const { alpnProtocol } = socket
  return {
    version: socket.getProtocol() ?? 'unknown',
    ...(typeof alpnProtocol === 'string' && alpnProtocol !== '' && { alpn: visible(alpnProtocol) }),
    ...certificateOf(socket, clock),
  }
}

/** An alert is TLS's own, so the port speaks it; the certificate may have come before (where clients need one, in TLS 1.2). */
function refusal(error: Error, socket: TLSSocket, clock: Clock): Handshake {
  const [, number, words = ''] = [
    ...(/SSL alert number (\d+)/.exec(error.message) ?? []),
    /alert ([\w ]+):/.exec(error.message)?.[1],
  ]
  if (number === undefined) return {}
  return {
    alert: Number(number),
    info: { refused: words === '' ? `alert ${number}` : words, ...certificateOf(socket, clock) },
  }
}

function certificateOf(socket: TLSSocket, clock: Clock): Pick<TlsInfo, 'certificate'> {
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? {} : { certificate: readCertificate(certificate, clock.now()) }
}

/** What a certificate says, as text that is safe to show and has bounds: whoever made it may have meant to do harm. */
export function readCertificate(certificate: CertificateFields, nowMs: number): CertificateInfo {
  const names = namesOf(certificate)
  const from = certificate.validFromDate.getTime()
  const to = certificate.validToDate.getTime()
  const kept = names.slice(0, scanLimits.certificateNames)
  return {
    subject: oneLine(certificate.subject),
    names: kept.map(bounded),
    ...(names.length > kept.length && { moreNames: names.length - kept.length }),
    issuer: oneLine(certificate.issuer),
    ...(!Number.isNaN(from) && { validFrom: new Date(from).toISOString() }),
    ...(!Number.isNaN(to) && { validTo: new Date(to).toISOString(), daysLeft: Math.floor((to - nowMs) / dayMs) }),
    fingerprint: certificate.fingerprint256,
  }
}

const dayMs = 86_400_000

/** What is read of Node's certificate. */
export type CertificateFields = Pick<
  X509Certificate,
  'subject' | 'subjectAltName' | 'issuer' | 'validFromDate' | 'validToDate' | 'fingerprint256'
>

/** Names and addresses that it is for; where it has none, as the oldest have, the common name. */
function namesOf({ subject, subjectAltName = '' }: CertificateFields): readonly string[] {
  // Node quotes as JSON what could be taken for the next name.
  const names = [...subjectAltName.matchAll(/(?:^|, )(DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g)].map(
    ([, kind, value = '']) => (kind === 'DNS' ? value : (canonicalIp(value) ?? value)),
  )
  if (names.length > 0) return [...new Set(names)]
  const [, common] = /^CN=(.*)$/m.exec(subject) ?? []
  return common === undefined ? [] : [common]
}

/** `CN=R3, O=Let's Encrypt`; Node has a line for each part. */
function oneLine(name: string | undefined): string {
  return bounded((name ?? '').replaceAll('\n', ', '))
}

function bounded(text: string): string {
  const shown = visible(text)
  return shown.length <= scanLimits.certificateText ? shown : `${shown.slice(0, scanLimits.certificateText - 1)}…`
}
