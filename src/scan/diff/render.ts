import { visible } from '../../base/visible.ts'
import { grouped } from '../../terminal/format.ts'
import { serviceName } from '../services.ts'
import type { HostChange, PortChange, ScanDiff } from './compare.ts'
import type { KnownReport } from './known-report.ts'

/** A line for each host that appeared or vanished, and one for each port that changed. Nothing where all is the same. */
export function* renderDiffText({ hosts }: ScanDiff): Generator<string> {
  for (const host of hosts) {
    const where = `${host.address}${host.name === undefined ? '' : ` [${visible(host.name)}]`}`
    if (host.change !== 'changed') yield `Host ${where} ${host.change}\n`
    for (const port of host.ports) yield `${portLine(port, where)}\n`
  }
}

function portLine({ port, change, old, new: latest }: PortChange, where: string): string {
  const service = serviceName(port)
  const guess = service === undefined ? '' : ` (${service})`
  switch (change) {
    case 'opened':
      return `Port ${port} opened on ${where}${guess}${old === undefined ? '' : `, was ${old.state}`}`
    case 'closed':
      return `Port ${port} closed on ${where}${guess}${latest === undefined ? '' : `: ${latest.state}, ${visible(latest.reason)}`}`
    case 'state':
      return `Port ${port} changed on ${where}${guess}: ${old?.state} before, ${latest?.state} now`
    case 'banner':
      return `Port ${port} changed on ${where}${guess}: "${visible(old?.banner ?? '')}" before, "${visible(latest?.banner ?? '')}" now`
  }
}

/** One JSON document: `same`, the two scans, what changed by host, what could not be told. */
export function* renderDiffJson(diff: ScanDiff): Generator<string> {
  const { hosts, inDoubt, notes } = diff
  const head = { format: 'netlab-scan-diff', version: 1, same: hosts.length === 0 }
  const scans = { old: scanFields(diff.old), new: scanFields(diff.new) }
  yield `${JSON.stringify({ ...head, ...scans, counts: countChanges(hosts), notes, inDoubt, hosts }, undefined, 2)}\n`
}

function scanFields({ source, startedAt, targets, ports, complete }: KnownReport) {
  return { source, startedAt, targets, ports, complete }
}

/** How much changed; every key is there. */
function countChanges(hosts: readonly HostChange[]) {
  const ports = hosts.flatMap((host) => host.ports)
  const of = (change: PortChange['change']): number => ports.filter((port) => port.change === change).length
  return {
    opened: of('opened'),
    closed: of('closed'),
    banner: of('banner'),
    state: of('state'),
    appeared: hosts.filter(({ change }) => change === 'appeared').length,
    vanished: hosts.filter(({ change }) => change === 'vanished').length,
  }
}

/** What the comparison came to, in sentences. */
export function diffSentences({ hosts, inDoubt, notes, old, new: latest }: ScanDiff): readonly string[] {
  const { opened, closed, banner, state, appeared, vanished } = countChanges(hosts)
  const parts = [
    [opened, 'opened'],
    [closed, 'closed'],
    [banner, 'with another banner'],
    [state, 'in another state'],
  ] as const
  const words = parts.flatMap(([number, word]) => (number === 0 ? [] : [`${ports(number)} ${word}`]))
  const where = [
    ...(appeared === 0 ? [] : [`${grouped(appeared)} host${appeared === 1 ? '' : 's'} appeared`]),
    ...(vanished === 0 ? [] : [`${grouped(vanished)} host${vanished === 1 ? '' : 's'} vanished`]),
  ]
  const all = [...words, ...where]
  const times = `between ${old.startedAt} and ${latest.startedAt}`
  return [
    all.length === 0 ? `nothing changed ${times}` : `${all.join(', ')} ${times}`,
    ...(inDoubt.length === 0
      ? []
      : [
          `${ports(inDoubt.length)} open in one of the scans ${inDoubt.length === 1 ? 'is' : 'are'} in doubt in the other, and not compared`,
        ]),
    ...notes,
  ]
}

function ports(count: number): string {
  return `${grouped(count)} port${count === 1 ? '' : 's'}`
}
