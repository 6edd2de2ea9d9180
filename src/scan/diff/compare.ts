import { UsageError } from '../../base/errors.ts'
import { compareIps, parseIp } from '../../net/ip.ts'
import type { KnownHost, KnownPort, KnownReport } from './known-report.ts'

/** What is known of a port in one report. `not-open`: it is not listed, and known to be something else than open. */
type Knowledge = KnownPort | 'not-open' | 'in-doubt' | 'not-scanned'

/** One port that is not what it was. */
export interface PortChange {
  readonly port: number
  readonly change: 'opened' | 'closed' | 'banner' | 'state'
  /** Absent where the report does not list it. */
  readonly old?: KnownPort
  readonly new?: KnownPort
}

/** A host of which something is not what it was. It appeared when nothing of it was open, and vanished when nothing of it is. */
export interface HostChange {
  readonly address: string
  readonly name?: string
  readonly change: 'appeared' | 'vanished' | 'changed'
  /** Ascending. */
  readonly ports: readonly PortChange[]
}

/** A port that was or is open, of which the other report can't tell. */
export interface DoubtfulPort {
  readonly address: string
  readonly port: number
  /** The report that can't. */
  readonly in: 'old' | 'new'
}

export interface ScanDiff {
  readonly old: KnownReport
  readonly new: KnownReport
  /** In the order of the addresses. */
  readonly hosts: readonly HostChange[]
  readonly inDoubt: readonly DoubtfulPort[]
  /** What a reader must know: that the two scans are not of the same. */
  readonly notes: readonly string[]
}

/**
 * What is different between two reports, as far as both can tell: a port in doubt in either is never a change, and what only one of
 * them scanned is not compared.
 * @throws {UsageError} when the scans have nothing in common.
 */
export function compareReports(old: KnownReport, latest: KnownReport): ScanDiff {
  const isSamePlan = samePlan(old, latest)
  const notes = isSamePlan ? [] : differentPlans(old, latest)
  const hosts: HostChange[] = []
  const inDoubt: DoubtfulPort[] = []
  for (const address of addressesOf(old, latest)) {
    const change = compareHost(old, latest, address, isSamePlan, inDoubt)
    if (change !== undefined) hosts.push(change)
  }
  return { old, new: latest, hosts, inDoubt, notes }
}

function samePlan(one: KnownReport, other: KnownReport): boolean {
  return one.targets === other.targets && one.ports === other.ports && one.portTotal === other.portTotal
}

/** @throws {UsageError} when the scans have nothing in common. */
function differentPlans(old: KnownReport, latest: KnownReport): readonly string[] {
  const addresses = old.addresses.without(old.addresses.without(latest.addresses))
  const ports = [...old.portSet].some((port) => latest.portSet.has(port))
  if (addresses.size === 0 || !ports) {
    const what = addresses.size === 0 ? 'address' : 'port'
    throw new UsageError(`${old.source} and ${latest.source} have no ${what} in common, so there is nothing to compare`)
  }
  const different = [
    ...(old.targets === latest.targets ? [] : [`targets (${shorten(old.targets)}; ${shorten(latest.targets)})`]),
    ...(old.ports === latest.ports ? [] : [`ports (${shorten(old.ports)}; ${shorten(latest.ports)})`]),
  ]
  const what = different.length === 0 ? 'ports of their own for some targets' : `different ${different.join(' and ')}`
  return [`the scans have ${what}: only what both scanned is compared`]
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`
}

/** All that either lists, in the order of addresses. */
function addressesOf(old: KnownReport, latest: KnownReport): readonly string[] {
  const all = [...new Set([...old.hosts.keys(), ...latest.hosts.keys()])]
  const keyed = all.map((address) => ({ address, ip: parseIp(address) }))
  keyed.sort((a, b) => {
    return a.ip === undefined || b.ip === undefined ? 0 : compareIps(a.ip, b.ip)
  })
  return keyed.map(({ address }) => address)
}

function compareHost(
  old: KnownReport,
  latest: KnownReport,
  address: string,
  isSamePlan: boolean,
  inDoubt: DoubtfulPort[],
): HostChange | undefined {
  const before = old.hosts.get(address)
  const after = latest.hosts.get(address)
  const numbers = [...new Set([...(before?.ports.keys() ?? []), ...(after?.ports.keys() ?? [])])].sort((a, b) => a - b)
  const ports: PortChange[] = []
  for (const port of numbers) {
    const was = knowledgeOf(old, before, address, port, isSamePlan)
    const is = knowledgeOf(latest, after, address, port, isSamePlan)
    if (was === 'in-doubt' && isOpen(is)) inDoubt.push({ address, port, in: 'old' })
    if (is === 'in-doubt' && isOpen(was)) inDoubt.push({ address, port, in: 'new' })
    const change = changeOf(was, is)
    if (change === undefined) continue
    ports.push({
      port,
      change,
      ...(typeof was === 'object' && { old: was }),
      ...(typeof is === 'object' && { new: is }),
    })
  }
  if (ports.length === 0) return undefined
  const name = after?.name ?? before?.name
  return { address, ...(name !== undefined && { name }), change: hostChange(before, after, ports), ports }
}

function hostChange(
  before: KnownHost | undefined,
  after: KnownHost | undefined,
  ports: readonly PortChange[],
): HostChange['change'] {
  const opened = ports.filter(({ change }) => change === 'opened').length
  const closed = ports.filter(({ change }) => change === 'closed').length
  // All that is open now was not, and of all that was open nothing is: what is in doubt makes neither.
  if (openCount(before) === 0 && opened > 0 && opened === openCount(after)) return 'appeared'
  if (openCount(after) === 0 && closed > 0 && closed === openCount(before)) return 'vanished'
  return 'changed'
}

function openCount(host: KnownHost | undefined): number {
  return host === undefined ? 0 : [...host.ports.values()].filter(isOpen).length
}

function isOpen(known: Knowledge): known is KnownPort {
  return typeof known === 'object' && known.state === 'open'
}

function knowledgeOf(
  report: KnownReport,
  host: KnownHost | undefined,
  address: string,
  port: number,
  isSamePlan: boolean,
): Knowledge {
  const listed = host?.ports.get(port)
  // What is not listed of a host is believed when all of the scan is, or when the host's own evidence says so.
  const isBelieved = report.complete || (host?.isCertain === true && !report.isPartial)
  if (listed !== undefined) {
    const isSaid = listed.state === 'open' || listed.state === 'closed'
    // An error is of the machine that scanned and says nothing of the port.
    return listed.state !== 'error' && (isSaid || isBelieved) ? listed : 'in-doubt'
  }
  const ip = parseIp(address)
  const isCovered = ip !== undefined && report.addresses.indexOf(ip.family, ip.value) >= 0
  if (!isCovered || !report.portSet.has(port)) return 'not-scanned'
  if (report.hasOwnPorts && !isSamePlan) return 'not-scanned'
  return isBelieved ? 'not-open' : 'in-doubt'
}

function changeOf(was: Knowledge, is: Knowledge): PortChange['change'] | undefined {
  if (was === 'not-scanned' || is === 'not-scanned' || was === 'in-doubt' || is === 'in-doubt') return undefined
  if (isOpen(was) !== isOpen(is)) return isOpen(is) ? 'opened' : 'closed'
  if (was === 'not-open' || is === 'not-open') return undefined
  if (was.state !== is.state) return 'state'
  // Where one scan took no banners, or a service was late with it, nothing has changed.
  const isHeard = was.banner !== undefined && is.banner !== undefined
  return isHeard && was.banner !== is.banner ? 'banner' : undefined
}
