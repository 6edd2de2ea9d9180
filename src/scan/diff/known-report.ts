import { StorageError, UsageError } from '../../base/errors.ts'
import { parseIp } from '../../net/ip.ts'
import { AddressSet } from '../address-set.ts'
import { parsePorts } from '../ports.ts'
import { parseTargets } from '../targets.ts'
import { type PortState, portStates } from '../types.ts'

/** A port as a report lists it. */
export interface KnownPort {
  readonly port: number
  readonly state: PortState
  readonly reason: string
  readonly banner?: string
}

/** A host as a report lists it. */
export interface KnownHost {
  readonly address: string
  readonly name?: string
  readonly ports: ReadonlyMap<number, KnownPort>
  /** What is not listed of it is known not to be open: `true`; in doubt: `false`; what the report says of the whole: undefined. */
  readonly isCertain?: boolean
}

/** What a report of a scan says, read back from its JSON. */
export interface KnownReport {
  /** As it is called in sentences. */
  readonly source: string
  readonly startedAt: string
  /** As the scan wrote them. */
  readonly targets: string
  readonly ports: string
  readonly shown: readonly PortState[]
  readonly addresses: AddressSet
  readonly portSet: ReadonlySet<number>
  readonly portTotal: number
  /** Targets had ports of their own (HOST:PORT): which address had which is not in the report. */
  readonly hasOwnPorts: boolean
  readonly complete: boolean
  /** Ports without an answer, or results that were not listed, may be anywhere. */
  readonly isPartial: boolean
  readonly hosts: ReadonlyMap<string, KnownHost>
}

/** The version of the documents that is read. */
const version = 1

/**
 * Reads what `--json` wrote. `source` is what the file is called in sentences.
 * @throws {StorageError} when it is something else, of another version, or damaged.
 */
export function readReport(text: string, source: string): KnownReport {
  const document = parseJson(text, source)
  if (!isRecord(document) || document.format !== 'netlab-scan') {
    const hint =
      isRecord(document) && document.format === 'netlab-scan-resume'
        ? 'it is the state of an interrupted scan'
        : 'write one with netlab scan --json'
    throw new StorageError('REPORT', `${source} is not a report of netlab scan`, { hint })
  }
  if (document.version !== version) {
    const found = JSON.stringify(document.version) ?? 'none'
    throw new StorageError('REPORT', `${source} is of version ${found} of the format; this netlab reads ${version}`, {
      hint: 'scan again with this netlab, or read it with the one that wrote it',
    })
  }
  try {
    return readDocument(document, source)
  } catch (error) {
    if (!(error instanceof Damage || error instanceof UsageError)) throw error
    throw new StorageError('REPORT', `${source} is damaged: ${error.message}`, { cause: error })
  }
}

/** Something in a report that no scan writes. */
class Damage extends Error {}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    const isLines = /^\{"type":"(result|summary)"/.test(text)
    const what = text.trim() === '' ? 'is empty' : isLines ? 'is JSON Lines' : 'is not JSON'
    throw new StorageError('REPORT', `${source} ${what}, so it is no report to compare`, {
      hint: 'write one with netlab scan --json',
      cause,
    })
  }
}

type Fields = Readonly<Record<string, unknown>>

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readDocument(document: Fields, source: string): KnownReport {
  const { startedAt, targets, ports, portCount, hostCount, complete, interrupted, notScanned, hosts } = document
  if (typeof startedAt !== 'string' || Number.isNaN(Date.parse(startedAt))) throw new Damage('startedAt is no time')
  if (typeof targets !== 'string') throw new Damage('targets is no text')
  if (typeof ports !== 'string') throw new Damage('ports is no text')
  if (typeof complete !== 'boolean' || typeof interrupted !== 'boolean') throw new Damage('complete is missing')
  const shown = document.shown
  if (!Array.isArray(shown) || !shown.every(isState)) throw new Damage('shown is no list of states')
  if (!Array.isArray(hosts)) throw new Damage('hosts is no list')
  const own = count(portCount, 'portCount') * count(hostCount, 'hostCount')
  const portTotal = count(document.portTotal ?? own, 'portTotal')
  const known = new Map<string, KnownHost>()
  for (const host of hosts.map(readHost)) {
    if (known.has(host.address)) throw new Damage(`${host.address} is there twice`)
    known.set(host.address, host)
  }
  return {
    source,
    startedAt,
    targets,
    ports,
    shown,
    addresses: addressesOf(targets),
    portSet: new Set(ports === '' ? [] : parsePorts(ports)),
    portTotal,
    hasOwnPorts: portTotal !== own,
    complete,
    isPartial: interrupted || count(notScanned, 'notScanned') > 0 || isUnlisted(document, known),
    hosts: known,
  }
}

/** Of a listed state more was counted than is listed. */
function isUnlisted({ counts, shown }: Fields, hosts: ReadonlyMap<string, KnownHost>): boolean {
  if (!isRecord(counts)) throw new Damage('counts is missing')
  let counted = 0
  for (const state of Array.isArray(shown) ? shown : []) {
    const reasons = counts[String(state)] ?? {}
    if (!isRecord(reasons)) throw new Damage(`counts.${state} is no list`)
    for (const [reason, number] of Object.entries(reasons)) counted += count(number, `counts.${state}.${reason}`)
  }
  let listed = 0
  for (const { ports } of hosts.values()) listed += ports.size
  return counted > listed
}

function addressesOf(targets: string): AddressSet {
  const ranges = parseTargets(targets, false).map((target) => {
    if (target.kind !== 'range') throw new Damage('targets has something else than addresses')
    return target.range
  })
  return new AddressSet(ranges)
}

function readHost(host: unknown): KnownHost {
  if (!isRecord(host) || typeof host.address !== 'string' || parseIp(host.address) === undefined) {
    throw new Damage('a host has no address')
  }
  const { address, name, ports, evidence } = host
  if (!Array.isArray(ports)) throw new Damage(`${address} has no list of ports`)
  const known = new Map<number, KnownPort>()
  for (const port of ports.map((one) => readPort(one, address))) {
    if (known.has(port.port)) throw new Damage(`port ${port.port} of ${address} is there twice`)
    known.set(port.port, port)
  }
  return {
    address,
    ports: known,
    ...(typeof name === 'string' && { name }),
    ...(isRecord(evidence) && { isCertain: evidence.doubt === undefined }),
  }
}

function readPort(port: unknown, address: string): KnownPort {
  if (!isRecord(port)) throw new Damage(`a port of ${address} is none`)
  const { port: number, state, reason, banner } = port
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > 65_535) {
    throw new Damage(`${JSON.stringify(number)} is no port of ${address}`)
  }
  if (!isState(state) || typeof reason !== 'string') throw new Damage(`port ${number} of ${address} has no state`)
  return { port: number, state, reason, ...(typeof banner === 'string' && { banner }) }
}

function isState(value: unknown): value is PortState {
  return portStates.some((state) => state === value)
}

function count(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Damage(`${what} is no count`)
}
