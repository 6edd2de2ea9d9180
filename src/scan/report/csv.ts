import { serviceName } from '../services.ts'
import { escapeBytes, type ScanReport } from './report.ts'

const header = [
  ...['address', 'name', 'port', 'state', 'reason', 'rtt_ms', 'attempts', 'service_guess', 'banner', 'names'],
  ...['tls_version', 'tls_alpn', 'tls_names', 'tls_issuer', 'tls_valid_to', 'tls_days_left'],
]

/** Comma-separated values with a header, as RFC 4180 says: CRLF ends a line, quotes inside quotes are doubled. */
export function* renderCsv(report: ScanReport): Generator<string> {
  yield row(header)
  for (const { host, ports } of report.results) {
    for (const { port, state, reason, rttMs, attempts, banner, tls } of ports) {
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
        tls === undefined ? '' : (tls.version ?? 'refused'),
        tls?.alpn ?? '',
        tls?.certificate?.names.join(' ') ?? '',
        tls?.certificate?.issuer ?? '',
        tls?.certificate?.validTo ?? '',
        tls?.certificate?.daysLeft?.toString() ?? '',
      ])
    }
  }
}

/**
 * Where a spreadsheet could see the beginning of a formula: at the beginning of a field, and behind whatever else may separate
 * fields, since where a comma is a decimal point files are split at semicolons, quotes or not. Blanks, quotes and what shows
 * nothing may stand before it, and some take the wide and the small forms of the signs for the signs.
 */
const formula =
  /(^|[,;|\t\r\n])(?=[\s"'\u200b\u2060]*[=+\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]|[\t\r])/g

function row(fields: readonly string[]): string {
  return `${fields.map(field).join(',')}\r\n`
}

function field(text: string): string {
  const harmless = text.replace(formula, "$1'")
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
