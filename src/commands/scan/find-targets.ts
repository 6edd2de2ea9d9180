import { createReadStream } from 'node:fs'
import { addAbortSignal, type Readable } from 'node:stream'
import { NetworkError, reasonOf, UsageError } from '../../base/errors.ts'
import { flag } from '../../options/kinds.ts'
import { option } from '../../options/spec.ts'
import { AddressSet } from '../../scan/address-set.ts'
import { scanLimits } from '../../scan/limits.ts'
import { portCount } from '../../scan/ports.ts'
import { type ResolvedTargets, type ResolveServices, resolveTargets } from '../../scan/resolve-targets.ts'
import { type ListReader, readLists, type Target, targetList } from '../../scan/targets.ts'
import { grouped } from '../../terminal/format.ts'
import { askOnTerminal, askStreams, type CommandContext } from '../command.ts'
import type { JobPlan } from './plan.ts'
import type { ScanView } from './view.ts'

/**
 * Reads, resolves and subtracts: from what was typed to the addresses to scan.
 * Nothing when interrupted.
 * @throws {UsageError} for what is no target, and when nothing is left. @throws {NetworkError} when no name has an address.
 */
export async function findTargets(
  plan: JobPlan,
  context: CommandContext,
  system: Pick<ResolveServices, 'lookup' | 'zones'>,
  view: ScanView,
): Promise<ResolvedTargets> {
  const typed = plan.targets ?? ifAsked(context)
  const { clock, signal } = context
  const reader = listReader(context)
  try {
    const targets = await readLists(typed, reader)
    const leftOut = await readLists(plan.excluded, reader, false)
    view.spin('looking up names', clock)
    const found = await resolveTargets(targets, plan.allAddresses, { ...system, clock, signal })
    const excluded = await resolveTargets(leftOut, true, { ...system, clock, signal })
    signal.throwIfAborted()
    const [unknown] = excluded.failures
    if (unknown !== undefined) throw new NetworkError('ENOTFOUND', `${unknown}, so it can't be excluded`)
    return { ...found, addresses: subtract(found, excluded.addresses) }
  } catch (error) {
    // What was read until then may be half of it, and wrong for that.
    if (signal.aborted) return nothing
    throw error
  } finally {
    view.close()
  }
}

const nothing: ResolvedTargets = { addresses: new AddressSet([]), notes: [], failures: [] }

/** On a terminal the question was asked, so nothing given means that its default was taken. */
function ifAsked(context: CommandContext): readonly Target[] {
  if (askStreams(context) !== undefined) return targetList.parse('localhost')
  throw new UsageError('what to scan is missing', { hint: 'name a target, for example: netlab scan localhost' })
}

function subtract({ addresses, failures }: ResolvedTargets, excluded: AddressSet): AddressSet {
  const [failure] = failures
  if (addresses.size === 0 && failure !== undefined) {
    const more = failures.length === 1 ? '' : `, and ${failures.length - 1} more`
    throw new NetworkError('ENOTFOUND', `${failure}${more}`, { hint: 'targets in a file are given as @FILE' })
  }
  if (addresses.size === 0) throw new UsageError('there is no target in what was given')
  const left = addresses.without(excluded)
  if (left.size === 0) throw new UsageError('nothing is left to scan: --exclude covers every target')
  if (left.size > scanLimits.addressCount) {
    throw new UsageError(`${grouped(left.size)} addresses are too many`, {
      hint: `at most ${grouped(scanLimits.addressCount)}, a /8, are scanned at a time`,
    })
  }
  return left
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
  addresses: AddressSet,
  { ports, isConfirmed }: JobPlan,
  context: CommandContext,
): Promise<boolean> {
  const reason = reasonToAsk(addresses, ports)
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
