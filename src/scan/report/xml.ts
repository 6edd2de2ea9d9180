import { attributes } from '../../base/markup.ts'
import { version } from '../../base/version.ts'
import type { HostResults } from '../results.ts'
import { serviceName } from '../services.ts'
import type { PortResult, PortState } from '../types.ts'
import { answeringHosts, hostsUp, isAnswer, type UnlistedPorts, unlistedPorts } from './hosts.ts'
import { escapeBytes, type ScanReport } from './report.ts'
import { summarySentences, tlsWords } from './text.ts'

/** nmap's words for ours; what a router says and what this machine could not ask are states of their own only here. */
const states: Readonly<Record<PortState, string>> = {
  open: 'open',
  closed: 'closed',
  filtered: 'filtered',
  unreachable: 'filtered',
  error: 'unknown',
}

const reasons: Readonly<Record<string, string>> = {
  connected: 'syn-ack',
  refused: 'conn-refused',
  'no-answer': 'no-response',
  'admin-prohibited': 'admin-prohibited',
  'host-unreachable': 'host-unreach',
  'network-unreachable': 'net-unreach',
}

/**
 * nmap's XML (nmap.dtd, xmloutputversion 1.05) as far as a connect scan knows it. Tools tell the format by its `scanner`, for
 * which the DTD allows "nmap" alone; `args` and `version` say who wrote it.
 */
export function* renderXml(report: ScanReport): Generator<string> {
  const { startedAt, durationMs, targets, ports, portCount, hostCount, interrupted } = report
  const args = `netlab scan -p ${ports} ${targets}`
  yield '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n'
  yield `<nmaprun${attributes({
    scanner: 'nmap',
    args,
    start: seconds(startedAt),
    startstr: timeText(startedAt),
    version: `netlab ${version}`,
    xmloutputversion: '1.05',
  })}>\n`
  yield `<scaninfo${attributes({ type: 'connect', protocol: 'tcp', numservices: portCount, services: ports })}/>\n`
  yield '<verbose level="0"/>\n<debugging level="0"/>\n'
  for (const listed of hostsUp(report)) yield* host(report, listed)
  const endedAt = startedAt + durationMs
  const up = answeringHosts(report)
  yield `<runstats><finished${attributes({
    time: seconds(endedAt),
    timestr: timeText(endedAt),
    elapsed: (durationMs / 1000).toFixed(2),
    summary: summarySentences(report).join('; '),
    exit: interrupted ? 'error' : 'success',
    errormsg: interrupted ? 'interrupted' : undefined,
  })}/><hosts${attributes({ up, down: hostCount - up, total: hostCount })}/></runstats>\n</nmaprun>\n`
}

function* host(report: ScanReport, listed: HostResults): Generator<string> {
  const { address, family, name, names = name === undefined ? [] : [name] } = listed.host
  const unlisted = unlistedPorts(report, listed)
  const answer =
    listed.ports.find(({ state }) => isAnswer(state))?.reason ??
    unlisted.find(({ state }) => isAnswer(state))?.reasons[0]?.[0]
  // A host that nmap was told not to look for first is "up", and the reason says that nobody asked it.
  const reason = answer === undefined ? 'user-set' : (reasons[answer] ?? answer)
  yield `<host${attributes({ starttime: seconds(report.startedAt), endtime: seconds(report.startedAt + report.durationMs) })}>`
  yield `<status${attributes({ state: 'up', reason, reason_ttl: 0 })}/>`
  yield `<address${attributes({ addr: address, addrtype: `ipv${family}` })}/>\n`
  yield `<hostnames>${names.map((one) => `<hostname${attributes({ name: one, type: 'user' })}/>`).join('')}</hostnames>\n<ports>`
  for (const one of unlisted) yield extraPorts(one)
  for (const result of listed.ports) yield port(result)
  yield '</ports>\n</host>\n'
}

function extraPorts({ state, count, reasons: why }: UnlistedPorts): string {
  const inner = why.map(([reason, number]) => {
    return `<extrareasons${attributes({ reason: reasons[reason] ?? reason, count: number })}/>`
  })
  return `<extraports${attributes({ state: states[state], count })}>${inner.join('')}</extraports>\n`
}

function port(result: PortResult): string {
  const { port: number, state, reason } = result
  const told = attributes({ state: states[state], reason: reasons[reason] ?? reason, reason_ttl: 0 })
  return `<port protocol="tcp" portid="${number}"><state${told}/>${service(result)}</port>\n`
}

/**
 * Every port has a service, if only an "unknown" one, as nmap writes it, and a banner is what is known besides its name: ndiff 7.93
 * ends with an error where nothing but the output of a script, or "unknown" as a state, differs.
 */
function service({ port: number, banner, tls }: PortResult): string {
  const said = [
    ...(tls === undefined ? [] : [tlsWords(tls, false)]),
    ...(banner === undefined || banner.length === 0 ? [] : [escapeBytes(banner)]),
  ]
  const extrainfo = said.length === 0 ? undefined : said.join('; ')
  const tunnel = tls === undefined ? undefined : 'ssl'
  return `<service${attributes({ name: serviceName(number) ?? 'unknown', extrainfo, tunnel, method: 'table', conf: 3 })}/>`
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}

/** `Sat Nov 28 15:57:49 2026`, as C's ctime writes it; UTC. */
function timeText(ms: number): string {
  const [, weekday = '', day = '', month = '', year = '', time = ''] =
    /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(ms).toUTCString()) ?? []
  return `${weekday} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`
}
