import { version } from '../../base/version.ts'
import { visible } from '../../base/visible.ts'
import type { HostResults } from '../results.ts'
import { serviceName } from '../services.ts'
import type { PortResult } from '../types.ts'
import { hostsUp, unlistedPorts } from './hosts.ts'
import { escapeBytes, type ScanReport } from './report.ts'
import { summarySentences, tlsWords } from './text.ts'

/**
 * A line a host, with the fields of nmap's "grepable" output: `Host: ADDRESS (NAME)`, a tab, `Ports: ` and
 * `PORT/STATE/tcp//SERVICE//BANNER/` separated by ", ", a tab, `Ignored State: closed (997)`. The first and the last line are comments.
 */
export function* renderGrep(report: ScanReport): Generator<string> {
  const started = new Date(report.startedAt).toISOString()
  yield `# netlab ${version} scan of ${report.targets} ports ${report.ports} started ${started}\n`
  for (const listed of hostsUp(report)) yield* hostLine(report, listed)
  const words = summarySentences(report).join('; ')
  yield `# ${report.interrupted ? 'interrupted' : 'done'}, ${report.complete ? 'complete' : 'NOT complete'}: ${visible(words)}\n`
}

function* hostLine(report: ScanReport, listed: HostResults): Generator<string> {
  const { address, name = '' } = listed.host
  yield `Host: ${address} (${field(name)})`
  for (const [index, result] of listed.ports.entries()) yield `${index === 0 ? '\tPorts: ' : ', '}${port(result)}`
  const ignored = unlistedPorts(report, listed).map(({ state, count }) => `${state} (${count})`)
  yield `${ignored.length === 0 ? '' : `\tIgnored State: ${ignored.join(', ')}`}\n`
}

function port({ port: number, state, banner, tls }: PortResult): string {
  const said = [
    ...(tls === undefined ? [] : [tlsWords(tls, false)]),
    ...(banner === undefined ? [] : [escapeBytes(banner)]),
  ]
  // As nmap marks what it found inside TLS.
  const service = `${tls === undefined ? '' : 'ssl|'}${serviceName(number) ?? (tls === undefined ? '' : 'unknown')}`
  return `${number}/${state}/tcp//${service}//${field(said.join('; '))}/`
}

/** Text that can end no field: what separates them is written as `\xNN`, as other bytes of a banner are. */
function field(text: string): string {
  return visible(text).replace(/[/,()]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`)
}
