import { domainToUnicode } from 'node:url'
import { NetlabError, UsageError } from '../base/errors.ts'
import { formatIp, parseIp, width } from '../net/ip.ts'
import { host, type Kind } from '../options/kinds.ts'
import { grouped } from '../terminal/format.ts'
import type { AddressRange } from './address-set.ts'
import { scanLimits } from './limits.ts'
import { parsePorts } from './ports.ts'
import { isLinkLocal } from './zones.ts'

/** One thing to scan as it was typed, understood but not yet resolved or read. */
export type Target =
  | {
      readonly kind: 'range'
      readonly range: AddressRange
      readonly zone?: string
      readonly note?: string
      /** Of HOST:PORT; ascending. */
      readonly ports?: readonly number[]
    }
  | { readonly kind: 'name'; readonly name: string; readonly ports?: readonly number[] }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdin' }

/**
 * A list separated by commas or blanks of names, addresses, either with a port (`db:5432`, `[::1]:80`), networks
 * (`10.0.0.0/24`), ranges (`10.0.0.1-20`, `10.0.0.1-10.0.1.9`), files (`@hosts.txt`, `./hosts.txt`) and `-` for standard input.
 * `bounded`: one piece may not be more than a scan can do; what is only excluded may be any size.
 * @throws {UsageError} naming the piece that is wrong.
 */
export function parseTargets(text: string, bounded = true): readonly Target[] {
  const pieces = text.split(/[\s,]+/).filter((piece) => piece !== '')
  return pieces.map((piece) => {
    const target = parseTarget(piece)
    if (bounded && target.kind === 'range') {
      refuseTooMany(piece, target.range)
      if (target.zone === undefined) refuseWithoutZone(piece, target.range)
    }
    return target
  })
}

/** Targets as an option's value; at least one. */
export const targetList: Kind<readonly Target[]> = {
  placeholder: 'TARGET',
  parse(text) {
    const targets = parseTargets(text)
    if (targets.length === 0) throw new UsageError('a host name, an address or a network is needed')
    return targets
  },
}

/** Targets to leave out. */
export const excludedList: Kind<readonly Target[]> = {
  placeholder: 'TARGET',
  parse(text) {
    const targets = parseTargets(text, false)
    const pair = targets.find((target) => (target.kind === 'range' || target.kind === 'name') && target.ports)
    if (pair !== undefined)
      throw new UsageError(`"${text}" names a port`, { hint: 'leave ports out with --exclude-ports' })
    return targets
  },
}

function parseTarget(piece: string): Target {
  if (piece === '-') return { kind: 'stdin' }
  if (piece.startsWith('@')) {
    if (piece === '@') throw new UsageError('"@" needs the name of a file behind it')
    return { kind: 'file', path: piece.slice(1) }
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(piece)) {
    throw new UsageError(`"${piece}" is a URL`, { hint: 'give its host alone, or HOST:PORT' })
  }
  return parseAddress(piece) ?? parseNetwork(piece) ?? parseRange(piece) ?? parsePair(piece) ?? parseName(piece)
}

function parseAddress(piece: string): Target | undefined {
  const ip = parseIp(/^\[(.*)\]$/.exec(piece)?.[1] ?? piece)
  if (ip === undefined) return undefined
  const range = { family: ip.family, first: ip.value, last: ip.value }
  return { kind: 'range', range, ...(ip.zone !== undefined && { zone: ip.zone }) }
}

function parseNetwork(piece: string): Target | undefined {
  const match = /^([^/]+)\/(\d+)$/.exec(piece)
  if (match === null) return undefined
  const base = parseIp(match[1] ?? '')
  if (base === undefined) {
    throw new UsageError(`"${piece}" is no network: "${match[1]}" is not a numeric address`, {
      hint: `@${piece} would read a file of that name`,
    })
  }
  const bits = width[base.family]
  const prefix = BigInt(match[2] ?? '')
  if (prefix > bits) throw new UsageError(`"${piece}": a prefix of IPv${base.family} has at most ${bits} bits`)
  const size = 1n << (bits - prefix)
  const first = base.value - (base.value % size)
  const range = { family: base.family, first, last: first + size - 1n }
  if (first === base.value) return { kind: 'range', range }
  return {
    kind: 'range',
    range,
    note: `${piece} has bits set behind its prefix; scanning the network ${formatIp(base.family, first)}/${prefix}`,
  }
}

function parseRange(piece: string): Target | undefined {
  const dash = piece.indexOf('-')
  const start = parseIp(piece.slice(0, Math.max(0, dash)))
  if (start === undefined) return undefined
  const end = piece.slice(dash + 1)
  const last = start.family === 4 && /^\d+$/.test(end) ? lastOctet(piece, start.value, end) : parseIp(end)?.value
  if (last === undefined || (start.family === 4) !== !end.includes(':')) {
    throw new UsageError(`"${piece}" is not a range of addresses`, { hint: 'write 10.0.0.1-20 or 10.0.0.1-10.0.1.9' })
  }
  if (last < start.value) {
    throw new UsageError(`"${piece}" runs backwards`, {
      hint: `write ${formatIp(start.family, last)}-${formatIp(start.family, start.value)}`,
    })
  }
  return { kind: 'range', range: { family: start.family, first: start.value, last } }
}

function lastOctet(piece: string, start: bigint, digits: string): bigint {
  if (Number(digits) > 255) throw new UsageError(`"${piece}": ${digits} is more than 255`)
  return start - (start & 255n) + BigInt(digits)
}

function refuseTooMany(piece: string, range: AddressRange): void {
  const size = range.last - range.first + 1n
  if (range.family === 6 && size > BigInt(scanLimits.ipv6RangeCount)) {
    throw new UsageError(`"${piece}" has ${grouped(size)} addresses, too many to try them all`, {
      hint: `a network of IPv6 has at most ${grouped(scanLimits.ipv6RangeCount)} here, a /112`,
    })
  }
  if (size > BigInt(scanLimits.addressCount)) {
    throw new UsageError(`"${piece}" has ${grouped(size)} addresses`, {
      hint: `at most ${grouped(scanLimits.addressCount)}, a /8, are scanned at a time`,
    })
  }
}

function refuseWithoutZone(piece: string, { family, first }: AddressRange): void {
  if (!isLinkLocal({ family, value: first })) return
  throw new UsageError(`"${piece}" is on every link; it takes an interface to reach it`, {
    hint: `write for example ${formatIp(6, first)}%eth0`,
  })
}

/** `db:5432`, `10.0.0.1:22`, `[fe80::1%eth0]:80`; an IPv6 address with a port needs its brackets (RFC 3986, 3.2.2). */
function parsePair(piece: string): Target | undefined {
  const [, bracketed, plain, port = ''] = /^(?:(\[[^\]]*\])|([^:/[\]]+)):([^:/]*)$/.exec(piece) ?? []
  const place = bracketed ?? plain
  if (place === undefined) {
    if (/\/\d+:\d/.test(piece)) {
      throw new UsageError(`"${piece}" names a port of a network`, { hint: 'name it with --ports' })
    }
    return undefined
  }
  if (port === '') throw new UsageError(`"${piece}" has no port behind its colon`)
  if (bracketed !== undefined && parseAddress(place) === undefined) {
    throw new UsageError(`"${place}" in brackets is not an IPv6 address`)
  }
  const target = parseAddress(place) ?? parseName(place)
  return target.kind === 'range' || target.kind === 'name' ? { ...target, ports: parsePorts(port) } : undefined
}

function parseName(piece: string): Target {
  if (piece.includes('/')) return { kind: 'file', path: piece }
  if (piece.includes(':')) throw new UsageError(`"${piece}" is neither a host name nor an IP address`)
  const name = host.parse(piece)
  // Shown as people read it, and in one form (NFC), however it was typed.
  return { kind: 'name', name: name.toLowerCase() === piece.toLowerCase() ? name : domainToUnicode(name) }
}

/** Where lists of targets come from; the texts are bounded by whoever reads them. */
export interface ListReader {
  file(path: string): Promise<string>
  stdin(): Promise<string>
}

/** A target that needs no more reading. */
export type PlainTarget = Exclude<Target, { readonly kind: 'file' | 'stdin' }>

/**
 * Puts the contents of files and standard input in the place of their names. `bounded` as for `parseTargets`.
 * @throws {UsageError} naming file and line of what is no target.
 */
export async function readLists(
  targets: readonly Target[],
  reader: ListReader,
  bounded = true,
): Promise<readonly PlainTarget[]> {
  const plain: PlainTarget[] = []
  for (const target of targets) {
    if (target.kind !== 'file' && target.kind !== 'stdin') plain.push(target)
    else {
      const [text, source] =
        target.kind === 'file' ? [await reader.file(target.path), target.path] : [await reader.stdin(), 'stdin']
      for (const one of parseList(text, source, bounded)) plain.push(one)
    }
  }
  return plain
}

/** One or more targets a line; `#` begins a comment, blank lines are skipped. A list can't name another list. */
function* parseList(text: string, source: string, bounded: boolean): Generator<PlainTarget> {
  let line = 0
  for (const content of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    line++
    for (const target of parseLine(content.replace(/#.*/, ''), `${source}, line ${line}`, bounded)) {
      if (target.kind === 'file' || target.kind === 'stdin') {
        const what = target.kind === 'file' ? `"${target.path}"` : '"-"'
        throw new UsageError(`${source}, line ${line}: ${what} is neither a host name, an address nor a network`)
      }
      yield target
    }
  }
}

function parseLine(content: string, where: string, bounded: boolean): readonly Target[] {
  try {
    return parseTargets(content, bounded)
  } catch (error) {
    if (!(error instanceof NetlabError)) throw error
    throw new UsageError(`${where}: ${error.message}`, { cause: error, ...(error.hint && { hint: error.hint }) })
  }
}
