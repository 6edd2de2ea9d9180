import { UsageError } from '../base/errors.ts'
import type { Command } from '../commands/command.ts'

/**
 * Gives the words of a command line to the options they stand for, in order.
 * @throws {UsageError} for a word too many, or one whose option is given by name as well.
 */
export function assignPositionals(
  command: Command,
  title: string,
  words: readonly string[],
  given: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const places = command.positionals ?? []
  const assigned: Record<string, string> = {}
  const rest = [...words]
  for (const { name, variadic } of places) {
    if (rest.length === 0) break
    if (given[name] !== undefined) {
      const twice = rest[0]
      throw new UsageError(`${name} is given twice: as "${twice}" and by its option`, { hint: 'leave one of them' })
    }
    assigned[name] = rest.splice(0, variadic === true ? rest.length : 1).join(',')
  }
  const [extra] = rest
  if (extra === undefined) return assigned
  const taken = places.length === 0 ? 'no arguments' : `no more than ${places.map(({ name }) => name).join(', ')}`
  throw new UsageError(`${title} takes ${taken}; "${extra}" is one too many`, {
    hint: `${title} --help tells how it is written`,
  })
}
