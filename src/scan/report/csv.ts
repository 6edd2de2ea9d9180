import { serviceName } from '../services.ts'
import { escapeBytes, type ScanReport } from './report.ts'

const header = ['address', 'name', 'port', 'state', 'reason', 'rtt_ms', 'attempts', 'service_guess', 'banner', 'names']

/** Comma-separated values with a header, as RFC 4180 says: CRLF ends a line, quotes inside quotes are doubled. */
export function* renderCsv(report: ScanReport): Generator<string> {
  yield row(header)
  for (const { host, ports } of report.results) {
    for (const { port, state, reason, rttMs, attempts, banner } of ports) {
      yield row([
        host.address,
        host.name ?? '',
        String(port),
        state,
        reason,
        rttMs?.toFixed(3) ?? '',
        String(attempts),
        serviceName(port) ?? '',
        banner === undefined ? '' : escapeBytes(banner),
        (host.names ?? []).join(' '),
      ])
    }
  }
}

function row(fields: readonly string[]): string {
  return `${fields.map(field).join(',')}\r\n`
}

function field(text: string): string {
  // A spreadsheet would run a cell that begins like a formula; a peer chooses what its banner begins with.
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
