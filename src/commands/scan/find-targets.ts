import { createReadStream } from 'node:fs'
import { addAbortSignal, type Readable } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { NetworkError, reasonOf, UsageError } from '../../base/errors.ts'
import { parseIp } from '../../net/ip.ts'
import { flag } from '../../options/kinds.ts'
import { option } from '../../options/spec.ts'
import { AddressSet } from '../../scan/address-set.ts'
import { scanLimits } from '../../scan/limits.ts'
import type { NameSource } from '../../scan/names/lookup.ts'
import { PortPlan } from '../../scan/port-plan.ts'
import { portCount } from '../../scan/ports.ts'
import { nameKey, type ResolvedTargets, type ResolveServices, resolveTargets } from '../../scan/resolve-targets.ts'
import { type ListReader, type PlainTarget, readLists, type Target, targetList } from '../../scan/targets.ts'
import { grouped } from '../../terminal/format.ts'
import { askOnTerminal, askStreams, type CommandContext } from '../command.ts'
import type { JobPlan } from './plan.ts'

/** What the finder needs of the system; tests give their own. */
export interface NameServices extends Pick<ResolveServices, 'zones'> {
  /** What looks names up, with the system's files as they are now. */
  readonly names: (clock: Clock) => Promise<NameSource>
}

/** Addresses of names by `nameKey`; none for a name that could not be resolved. */
export type NameAnswers = ReadonlyMap<string, readonly string[]>

/** From what was typed to the addresses to scan, as often as names are to be asked again. */
export class TargetFinder {
  /** What the last `find` heard of every name, those left out included. */
  readonly answers = new Map<string, readonly string[]>()
  readonly #plan: JobPlan
  readonly #clock: Clock
  readonly #system: NameServices
  readonly #targets: readonly PlainTarget[]
  readonly #leftOut: readonly PlainTarget[]

  private constructor(
    plan: JobPlan,
    clock: Clock,
    system: NameServices,
    targets: readonly PlainTarget[],
    leftOut: readonly PlainTarget[],
  ) {
    this.#plan = plan
    this.#clock = clock
    this.#system = system
    this.#targets = targets
    this.#leftOut = leftOut
  }

  /**
   * Reads what was typed, files and standard input too. Nothing when interrupted.
   * @throws {UsageError} for what is no target.
   */
  static async read(plan: JobPlan, context: CommandContext, system: NameServices): Promise<TargetFinder | undefined> {
    const reader = listReader(context)
    try {
      const targets = await readLists(plan.targets ?? ifAsked(context), reader)
      const leftOut = await readLists(plan.excluded, reader, false)
      return new TargetFinder(plan, context.clock, system, targets, leftOut)
    } catch (error) {
      // What was read until then may be half of it, and wrong for that.
      if (context.signal.aborted) return undefined
      throw error
    }
  }

  /**
   * Resolves and subtracts. Names in `known` are not asked. Nothing when interrupted.
   * @throws {UsageError} when nothing is left. @throws {NetworkError} when a name to be left out is not known.
   */
  async find(signal: AbortSignal, known: NameAnswers = new Map()): Promise<ResolvedTargets | undefined> {
    // Made for the first name: most scans have none.
    let source: Promise<NameSource> | undefined
    const lookup = async (name: string): Promise<readonly string[]> => {
      const key = nameKey(name)
      this.answers.set(key, known.get(key) ?? [])
      source ??= this.#system.names(this.#clock)
      const found = known.get(key) ?? (await (await source).lookup(name))
      if (found.length === 0 && known.has(key)) throw new Error('not known when the scan began')
      this.answers.set(key, found)
      return found
    }
    const services = { lookup, zones: this.#system.zones, clock: this.#clock, signal }
    const { choose, ports, portsNamed, excludedPorts } = this.#plan
    try {
      const [found, excluded] = await Promise.all([
        resolveTargets(this.#targets, { choose, ports, portsNamed }, services),
        resolveTargets(this.#leftOut, { choose: 'all', ports, portsNamed }, services),
      ])
      if (signal.aborted) return undefined
      const [unknown] = excluded.failures
      if (unknown !== undefined) throw new NetworkError('ENOTFOUND', `${unknown}, so it can't be excluded`)
      return subtract(found, excluded.addresses, excludedPorts)
    } catch (error) {
      if (signal.aborted) return undefined
      throw error
    } finally {
      const opened = await source
      opened?.close()
    }
  }
}

/** What an interrupted search came to. */
export const nothingFound: ResolvedTargets = {
  addresses: new AddressSet([]),
  ports: new PortPlan([]),
  typed: new AddressSet([]),
  names: [],
  notes: [],
  failures: [],
}

/** @throws {NetworkError} when no name has an address, and nothing else was given. */
export function refuseNothing({ addresses, failures }: ResolvedTargets): void {
  const [failure] = failures
  if (addresses.size > 0 || failure === undefined) return
  const more = failures.length === 1 ? '' : `, and ${grouped(failures.length - 1)} more`
  throw new NetworkError('ENOTFOUND', `${failure}${more}`, { hint: 'targets in a file are given as @FILE' })
}

/** On a terminal the question was asked, so nothing given means that its default was taken. */
function ifAsked(context: CommandContext): readonly Target[] {
  if (askStreams(context) !== undefined) return targetList.parse('localhost')
  throw new UsageError('what to scan is missing', { hint: 'name a target, for example: netlab scan localhost' })
}

function subtract(found: ResolvedTargets, excluded: AddressSet, excludedPorts: ReadonlySet<number>): ResolvedTargets {
  const { addresses, failures } = found
  if (addresses.size === 0) {
    if (failures.length > 0) return found
    throw new UsageError('there is no target in what was given')
  }
  const left = addresses.without(excluded)
  if (left.size === 0) throw new UsageError('nothing is left to scan: --exclude covers every target')
  if (left.size > scanLimits.addressCount) {
    throw new UsageError(`${grouped(left.size)} addresses are too many`, {
      hint: `at most ${grouped(scanLimits.addressCount)}, a /8, are scanned at a time`,
    })
  }
  const ports = found.ports.filter((port) => !excludedPorts.has(port))
  if (ports.count(left) === 0) throw new UsageError('no port is left to scan: --exclude-ports covers them all')
  const isLeft = (address: string): boolean => {
    const ip = parseIp(address)
    return ip !== undefined && left.indexOf(ip.family, ip.value) >= 0
  }
  // A name all of whose addresses are left out is left out, too.
  const names = found.names
    .map((one) => ({ ...one, addresses: one.addresses.filter(isLeft), isKnown: one.addresses.length > 0 }))
    .filter(({ addresses: some, isKnown }) => some.length > 0 || !isKnown)
  return { ...found, addresses: left, ports, typed: found.typed.without(excluded), names }
}

function listReader({ stdin, signal }: CommandContext): ListReader {
  return {
    stdin: () => readBounded(stdin, 'standard input', signal),
    file: (path) => readBounded(createReadStream(path), path, signal),
  }
}

async function readBounded(stream: Readable, name: string, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of addAbortSignal(signal, stream)) {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes > scanLimits.targetsBytes) break
    }
  } catch (error) {
    if (signal.aborted) throw error
    throw new UsageError(`can't read targets from ${name}: ${reasonOf(error)}`, { cause: error })
  }
  if (bytes > scanLimits.targetsBytes) {
    throw new UsageError(`${name} has more than ${scanLimits.targetsBytes / 1_048_576} MiB of targets`)
  }
  return decode(Buffer.concat(chunks))
}

/** UTF-8; or UTF-16 behind its byte order mark, which is how Windows PowerShell redirects into a file. */
function decode(bytes: Buffer): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe
  return new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8').decode(bytes)
}

/**
 * A large scan, or one of all ports of somebody's public address, is begun only when that is meant. False: the person
 * said no.
 * @throws {UsageError} when there is nobody to ask.
 */
export async function consent(
  { addresses, ports }: Pick<ResolvedTargets, 'addresses' | 'ports'>,
  { isConfirmed }: Pick<JobPlan, 'isConfirmed'>,
  context: CommandContext,
): Promise<boolean> {
  const reason = reasonToAsk(addresses, ports.all)
  if (reason === undefined || isConfirmed) return true
  const ask = askOnTerminal(context)
  if (ask === undefined) {
    throw new UsageError(`this scan covers ${reason}`, { hint: 'if that is meant, and allowed, add --yes' })
  }
  const question = option({ kind: flag, summary: '', default: false })
  return ask(`This scan covers ${reason}. Are you allowed to, and go on`, question)
}

function reasonToAsk(addresses: AddressSet, ports: readonly number[]): string | undefined {
  const count = `${grouped(addresses.size)} address${addresses.size === 1 ? '' : 'es'}`
  if (addresses.size > scanLimits.confirmAddressCount) return count
  if (ports.length === portCount && addresses.hasPublic) return `all ports of ${count} on the public Internet`
  return undefined
}
