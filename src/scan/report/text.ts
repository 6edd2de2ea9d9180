import { formatTime, grouped } from '../../terminal/format.ts'
import { scanLimits } from '../limits.ts'
import { serviceName } from '../services.ts'
import { type CertificateInfo, type PortResult, portStates, type TlsInfo } from '../types.ts'
import { escapeBytes, type ScanReport } from './report.ts'

/** `Port 22 open (ssh)`; with `named`, `Port 22 open on 10.0.0.1 [db.example] (ssh)`. Anything but open says why. */
export function portLine(result: PortResult, named: boolean): string {
  const { host, port, state, reason } = result
  const where = named ? ` on ${host.address}${host.name === undefined ? '' : ` [${host.name}]`}` : ''
  const service = serviceName(port)
  const guess = service === undefined ? '' : ` (${service})`
  const why = state === 'open' ? '' : `: ${reason}`
  return `Port ${port} ${state}${where}${guess}${why}`
}

/**
 * What a port says in TLS, in words: `TLSv1.3, h2, for www.example.com, by "CN=R3, O=Let's Encrypt", until 2027-01-31`; with
 * `withDays` also how many days that is from when it was read.
 */
export function tlsWords({ version, alpn, refused, certificate }: TlsInfo, withDays: boolean): string {
  const words = [version ?? 'TLS', ...(alpn === undefined ? [] : [alpn])]
  if (refused !== undefined) words.push(`refused (${refused})`)
  if (certificate !== undefined) words.push(...certificateWords(certificate, withDays))
  return words.join(', ')
}

function certificateWords(
  { names, moreNames = 0, issuer, validTo, daysLeft }: CertificateInfo,
  withDays: boolean,
): string[] {
  const named = names.slice(0, scanLimits.saidNames)
  const more = names.length - named.length + moreNames
  const forWhom =
    named.length === 0 ? 'for nobody' : `for ${named.join(' ')}${more > 0 ? ` and ${grouped(more)} more` : ''}`
  const left = daysLeft === undefined || !withDays ? '' : ` (${grouped(daysLeft)} days left)`
  return [forWhom, `by "${issuer}"`, `until ${validTo?.slice(0, 10) ?? 'nobody knows when'}${left}`]
}

/** The list for a person: a line a port, with its RTT, and its banner below when one was asked for. */
export function* renderText(report: ScanReport): Generator<string> {
  for (const { ports } of report.results) {
    for (const result of ports) {
      const rtt = result.rttMs === undefined ? '' : `  ${result.rttMs.toFixed(2)} ms`
      const banner = result.banner === undefined ? '' : `  "${escapeBytes(result.banner)}"`
      const tls = result.tls === undefined ? '' : `  ${tlsWords(result.tls, true)}`
      yield `${portLine(result, report.hostCount > 1)}${rtt}${tls}${banner}\n`
    }
  }
}

/** What the scan came to, in sentences: how much, how many of each state and why, and whether that is all. */
export function summarySentences(report: ScanReport): readonly string[] {
  const { portCount, portTotal, hostCount, durationMs, probes, retries, complete, notScanned, notes } = report
  // Where addresses have ports of their own, it is all of them together that count.
  const isEach = hostCount <= 1 || portTotal === portCount * hostCount
  const count = isEach ? portCount : portTotal
  const ports = `${grouped(count)} port${count === 1 ? '' : 's'}`
  const where = hostCount === 1 ? report.targets : `${grouped(hostCount)} addresses${isEach ? '' : ' together'}`
  const states = portStates.flatMap((state) => {
    const reasons = Object.entries(report.counts[state] ?? {})
    if (reasons.length === 0) return []
    const sum = reasons.reduce((total, [, count]) => total + count, 0)
    const why = reasons.map(([reason, count]) => (reasons.length === 1 ? reason : `${grouped(count)} ${reason}`))
    return [`${grouped(sum)} ${state}${state === 'open' ? '' : ` (${why.join(', ')})`}`]
  })
  if (report.counts.open === undefined) states.unshift('none open')
  if (notScanned > 0) states.push(`${grouped(notScanned)} not scanned`)
  return [
    `${ports} of ${where} in ${formatTime(durationMs)}: ${states.join(', ')}`,
    `${grouped(probes)} probe${probes === 1 ? '' : 's'}, ${grouped(retries)} repeated; the result is ${complete ? 'complete' : 'NOT complete'}`,
    ...notes,
    ...(report.results.some(({ ports }) => ports.some(({ port }) => serviceName(port) !== undefined))
      ? ['services are guessed from port numbers (IANA), not from what answered']
      : []),
  ]
}
