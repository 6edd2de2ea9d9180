import { UsageError } from '../../base/errors.ts'
import { grouped } from '../../base/grouped.ts'
import { limits } from '../../base/limits.ts'
import { flag } from '../../options/kinds.ts'
import { option } from '../../options/spec.ts'
import type { AddressSet } from '../../scan/address-set.ts'
import { askOnTerminal, type CommandContext } from '../command.ts'

const everyPort = 65_535

/**
 * A large scan, or one of all ports of somebody's public address, is begun only when that is meant. False: the person
 * said no.
 * @throws {UsageError} when there is nobody to ask.
 */
export async function consent(
  addresses: AddressSet,
  ports: readonly number[],
  yes: boolean,
  context: CommandContext,
): Promise<boolean> {
  const reason = why(addresses, ports)
  if (reason === undefined || yes) return true
  const ask = askOnTerminal(context)
  if (ask === undefined) {
    throw new UsageError(`this scan covers ${reason}`, { hint: 'if that is meant, and allowed, add --yes' })
  }
  const question = option({ kind: flag, summary: '', default: false })
  return ask(`This scan covers ${reason}. Are you allowed to, and go on`, question)
}

function why(addresses: AddressSet, ports: readonly number[]): string | undefined {
  const count = `${grouped(addresses.size)} address${addresses.size === 1 ? '' : 'es'}`
  if (addresses.size > limits.scanConfirmAddressCount) return count
  if (ports.length === everyPort && addresses.hasPublic) return `all ports of ${count} on the public Internet`
  return undefined
}
