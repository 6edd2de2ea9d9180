import { attributes, escapeMarkup } from '../../base/markup.ts'
import { version } from '../../base/version.ts'
import { grouped } from '../../terminal/format.ts'
import { scanLimits } from '../limits.ts'
import { serviceName } from '../services.ts'
import { type PortResult, portStates, type ScanHost } from '../types.ts'
import { hostsUp, unlistedPorts } from './hosts.ts'
import { renderTimeline } from './html-charts.ts'
import { pageScript, pageStyle } from './html-page.ts'
import { escapeBytes, type ScanReport } from './report.ts'
import { summarySentences, tlsWords } from './text.ts'

/**
 * One page that needs nothing else: what it came to and what is in doubt, hosts by ports, every listed port. A policy in it forbids
 * the browser to load anything.
 */
export function* renderHtml(report: ScanReport): Generator<string> {
  const title = escapeMarkup(`Scan of ${report.targets === '' ? 'nothing' : report.targets}`)
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
  yield `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n`
  yield `<meta http-equiv="Content-Security-Policy" content="${policy}">\n<meta name="generator" content="netlab ${version}">\n`
  yield `<title>${title}</title>\n<style>${pageStyle}</style>\n</head>\n<body data-interrupted="${report.interrupted}">\n<h1>${title}</h1>\n`
  yield* summary(report)
  yield* grid(report)
  yield* renderTimeline(report.timeline)
  yield* table(report)
  yield* others(report)
  yield `<script>${pageScript}</script>\n</body>\n</html>\n`
}

function* summary(report: ScanReport): Generator<string> {
  const { complete, interrupted, startedAt, counts, notScanned, notes, unresolved } = report
  const [first = '', second = ''] = summarySentences(report)
  const verdict = interrupted ? 'Interrupted' : complete ? 'Complete' : 'NOT complete'
  yield `<p class="verdict ${complete ? 'yes' : 'no'}">${verdict}</p>\n`
  if (!complete || notes.length > 0) {
    yield `<section class="doubt"><h2>${complete ? 'Notes' : 'What is in doubt'}</h2><ul>`
    if (notScanned > 0) yield `<li>${grouped(notScanned)} ports have no answer</li>`
    if (unresolved.length > 0) yield `<li>${grouped(unresolved.length)} names have no address</li>`
    for (const note of notes) yield `<li>${escapeMarkup(note)}</li>`
    yield* doubtfulHosts(report)
    yield '</ul></section>\n'
  }
  yield '<ul class="counts">'
  for (const state of portStates) {
    const sum = Object.values(counts[state] ?? {}).reduce((total, number) => total + number, 0)
    if (sum > 0 || state === 'open') yield `<li><b class="${state}">${grouped(sum)}</b> ${state}</li>`
  }
  yield `</ul>\n<p>${escapeMarkup(first)}</p>\n<p class="dim">${escapeMarkup(second)}; begun ${new Date(startedAt).toISOString()}; ports ${escapeMarkup(report.ports)}</p>\n`
}

function* doubtfulHosts({ results }: ScanReport): Generator<string> {
  for (const { host, evidence } of results) {
    if (evidence?.doubt === undefined) continue
    const lost = `${Math.round(evidence.lossShare * 100)} % lost of ${grouped(evidence.references)} attempts at ports that answer`
    const silent = `${grouped(evidence.silent)} silent ports (${evidence.doubt}), about ${evidence.expectedMissed.toFixed(2)} open ones among them; ${lost}`
    yield `<li>${escapeMarkup(`${host.address}: ${silent}`)}</li>`
  }
}

/** Hosts from left to right, ports downward: the ports listed on most hosts. Drawn small enough for a /24 on one screen. */
function* grid(report: ScanReport): Generator<string> {
  const up = hostsUp(report)
  const hosts = up.slice(0, scanLimits.gridHosts)
  if (hosts.every(({ ports }) => ports.length === 0)) return
  const frequency = new Map<number, number>()
  for (const { ports } of hosts) for (const { port } of ports) frequency.set(port, (frequency.get(port) ?? 0) + 1)
  const common = [...frequency].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, scanLimits.gridPorts)
  const rows = new Map(
    common
      .map(([port]) => port)
      .sort((a, b) => a - b)
      .map((port, row) => [port, row]),
  )
  const cell = Math.max(4, Math.min(24, Math.floor(940 / hosts.length)))
  const height = 14
  const left = 110
  const width = left + Math.max(cell * hosts.length, 120)
  const box = `0 0 ${width} ${rows.size * height + 16}`
  yield `<h2>Hosts by ports</h2>\n<div class="scroll grid"><svg${attributes({ viewBox: box, width, role: 'img' })} aria-label="hosts from left to right, ports downward">\n`
  for (const [port, row] of rows) {
    const service = serviceName(port)
    const label = `${port}${service === undefined ? '' : ` ${service.slice(0, 12)}`}`
    yield `<text${attributes({ x: left - 6, y: row * height + 11, 'text-anchor': 'end' })}>${escapeMarkup(label)}</text>`
    yield `<rect${attributes({ class: 'back', x: left, y: row * height + 1, width: cell * hosts.length, height: height - 2 })}/>\n`
  }
  for (const [column, { ports }] of hosts.entries()) {
    for (const result of ports) {
      const row = rows.get(result.port)
      if (row === undefined) continue
      const place = { x: left + column * cell, y: row * height + 1, width: cell - 1, height: height - 2 }
      yield `<rect${attributes({ class: result.state, ...place })}><title>${escapeMarkup(`${hostName(result.host)} port ${result.port} ${result.state}`)}</title></rect>\n`
    }
  }
  const ends = [hosts[0], hosts.at(-1)].map((one) => escapeMarkup(one?.host.address ?? ''))
  const below = rows.size * height + 12
  yield `<text x="${left}" y="${below}">${ends[0]}</text>`
  if (hosts.length > 1 && cell * hosts.length > 180)
    yield `<text x="${left + cell * hosts.length}" y="${below}" text-anchor="end">${ends[1]}</text>`
  yield '</svg></div>\n'
  const omitted = [
    ...(up.length > hosts.length ? [`the first ${grouped(hosts.length)} of the hosts`] : []),
    ...(frequency.size > rows.size
      ? [`the ${grouped(rows.size)} ports listed most often of ${grouped(frequency.size)}`]
      : []),
  ]
  if (omitted.length > 0) yield `<p class="dim">Shown: ${omitted.join(', ')}. The table has all.</p>\n`
}

const columns = [
  'Address',
  'Name',
  'Port',
  'State',
  'Service',
  'Reason',
  'RTT ms',
  'Attempts',
  'Banner',
  'TLS',
] as const
const numbers: ReadonlySet<string> = new Set(['Address', 'Port', 'RTT ms', 'Attempts'])

function* table(report: ScanReport): Generator<string> {
  yield '<h2>Ports</h2>\n'
  if (report.results.every(({ ports }) => ports.length === 0)) {
    yield '<p>Nothing is listed.</p>\n'
    return
  }
  yield '<div class="tools" hidden><label for="filter">Filter</label><input id="filter" type="search" placeholder="open ssh 10.0.0"><span id="shown" class="dim"></span></div>\n'
  const hasTls = report.results.some(({ ports }) => ports.some(({ tls }) => tls !== undefined))
  const heads = (hasTls ? columns : columns.slice(0, -1)).map(
    (name) =>
      `<th scope="col"${numbers.has(name) ? ' data-kind="number"' : ''}><button type="button">${name}</button></th>`,
  )
  yield `<div class="scroll"><table class="results"><thead><tr>${heads.join('')}</tr></thead>\n<tbody>\n`
  // Addresses sort by their place, which is that of the report.
  for (const [place, { ports }] of report.results.entries())
    for (const result of ports) yield row(result, place, hasTls)
  yield '</tbody></table></div>\n<p class="dim">Services are guessed from port numbers (IANA), not from what answered.</p>\n'
}

/** Hosts that gave a sign of life and have no port to list. */
function* others(report: ScanReport): Generator<string> {
  const hosts = hostsUp(report).filter(({ ports }) => ports.length === 0)
  if (hosts.length === 0) return
  yield `<details class="others"${hosts.length <= scanLimits.noticedAddresses ? ' open' : ''}><summary>${grouped(hosts.length)} hosts with no port to list</summary><ul>\n`
  for (const listed of hosts) {
    const unlisted = unlistedPorts(report, listed).map(({ state, count }) => `${grouped(count)} ${state}`)
    yield `<li>${escapeMarkup(`${hostName(listed.host)}: ${unlisted.join(', ')}`)}</li>\n`
  }
  yield '</ul></details>\n'
}

function row(
  { host, port, state, reason, rttMs, attempts, banner, tls }: PortResult,
  place: number,
  hasTls: boolean,
): string {
  const names = host.names ?? (host.name === undefined ? [] : [host.name])
  const cells = [
    `<td data-key="${place}">${escapeMarkup(host.address)}</td>`,
    `<td>${escapeMarkup(names.join(' '))}</td>`,
    `<td class="n">${port}</td>`,
    `<td class="${state}">${state}</td>`,
    `<td>${escapeMarkup(serviceName(port) ?? '')}</td>`,
    `<td>${escapeMarkup(reason)}</td>`,
    `<td class="n"${rttMs === undefined ? ' data-key="-1"' : ''}>${rttMs?.toFixed(2) ?? ''}</td>`,
    `<td class="n">${attempts}</td>`,
    `<td class="banner">${banner === undefined ? '' : escapeMarkup(escapeBytes(banner))}</td>`,
    ...(hasTls ? [`<td>${tls === undefined ? '' : escapeMarkup(tlsWords(tls, true))}</td>`] : []),
  ]
  return `<tr>${cells.join('')}</tr>\n`
}

function hostName({ address, name }: ScanHost): string {
  return name === undefined ? address : `${address} [${name}]`
}
