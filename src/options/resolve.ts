import { NetlabError, UsageError } from '../base/errors.ts'
import { environmentName, flagName, type OptionSpec, type OptionSpecs, type Values } from './spec.ts'

/** Asks a person for one value until it parses. Present only when there is a terminal to ask on. */
export type Ask = <T>(question: string, spec: OptionSpec<T>) => Promise<T>

export interface Sources {
  /** What the command line gave, by camel-case name: text, or a boolean for a flag. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly ask?: Ask | undefined
}

/**
 * Resolves every option once: flag, then `NETLAB_*`, then prompt (terminal only), then default. A variable that is set
 * but empty counts as not set, as in `NETLAB_PORT= netlab …`.
 * @throws {UsageError} naming the option or the variable.
 */
export async function resolve<S extends OptionSpecs>(specs: S, sources: Sources): Promise<Values<S>> {
  const values: Record<string, unknown> = {}
  const unanswered: string[] = []
  for (const [name, spec] of Object.entries(specs)) {
    const given = sources.flags[name]
    const variable = environmentName(name)
    const fromEnvironment = sources.environment[variable]
    if (typeof given === 'boolean') values[name] = given
    else if (given !== undefined) values[name] = parse(`--${flagName(name)}`, spec, given)
    else if (fromEnvironment !== undefined && fromEnvironment !== '')
      values[name] = parse(variable, spec, fromEnvironment)
    else {
      values[name] = spec.default
      if (spec.ask !== undefined) unanswered.push(name)
    }
  }
  // Only once everything that was given is known to be right is a person asked for the rest.
  for (const name of unanswered) {
    const spec = specs[name]
    if (spec?.askUnless !== undefined && values[spec.askUnless] !== undefined) continue
    if (sources.ask !== undefined && spec?.ask !== undefined) values[name] = await sources.ask(spec.ask, spec)
  }
  return values as Values<S>
}

function parse<T>(source: string, spec: OptionSpec<T>, value: string): T {
  try {
    return spec.kind.parse(value)
  } catch (error) {
    if (!(error instanceof NetlabError)) throw error
    // The reason quotes the value, so a secret gets none.
    if (spec.secret === true) throw new UsageError(`${source}: not a value that can be used`)
    throw new UsageError(`${source}: ${error.message}`, { cause: error, ...(error.hint && { hint: error.hint }) })
  }
}
