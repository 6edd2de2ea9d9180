import { UsageError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { asker } from '../../options/ask.ts'
import { flag } from '../../options/kinds.ts'
import { option } from '../../options/spec.ts'
import type { AddressSet } from '../../scan/address-set.ts'
import { grouped } from '../../terminal/format.ts'
import type { CommandContext } from '../command.ts'

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
  { stdin, stderr, signal }: CommandContext,
): Promise<boolean> {
  const reason = why(addresses, ports)
  if (reason === undefined || yes) return true
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw new UsageError(`this scan covers ${reason}`, { hint: 'if that is meant, and allowed, add --yes' })
  }
  const question = option({ kind: flag, summary: '', default: false })
  const ask = asker({ input: stdin, output: stderr, signal })
  return ask(`This scan covers ${reason}. Are you allowed to, and go on`, question)
}

function why(addresses: AddressSet, ports: readonly number[]): string | undefined {
  const count = `${grouped(addresses.size)} address${addresses.size === 1 ? '' : 'es'}`
  if (addresses.size > limits.scanConfirmAddressCount) return count
  if (ports.length === everyPort && addresses.hasPublic) return `all ports of ${count} on the public Internet`
  return undefined
}
