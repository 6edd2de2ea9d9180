import yargs, { type Argv } from 'yargs'
import { UsageError } from '../base/errors.ts'
import type { Command } from '../commands/command.ts'
import type { OptionSpec } from '../options/spec.ts'
import { flagsOf, readLongOptions, unknownOption } from './long-options.ts'
import { assignPositionals } from './positionals.ts'

/** What a command line gave, by option name in camel case: text, or a boolean for a flag. */
export type Given = Readonly<Record<string, string | boolean | undefined>>

/**
 * Parses what follows the command's name; `title` is its full name, for the messages.
 * @throws {UsageError} for an unknown option, a missing value, an option or an argument too many.
 */
export function parseArguments(command: Command, title: string, argv: readonly string[]): Given {
  const flags = flagsOf(command.options)
  const words = readLongOptions(argv, command.options, title)
  const { _: places, $0: _self, ...found } = declare(yargs([]), command, title).parseSync(words)
  const given: Record<string, string | boolean> = {}
  for (const [flag, value] of Object.entries(found)) {
    const known = flags.get(flag)
    if (known === undefined) throw unknownOption(`-${flag}`, command.options, title)
    given[known.name] = single(flag, known.spec, value)
  }
  return { ...given, ...assignPositionals(command, title, places.map(String), given) }
}

/** Tells yargs about the options of a command. Its own help, version and messages are not used. */
export function declare(parser: Argv, command: Command, title: string): Argv {
  parser
    .scriptName('netlab')
    .help(false)
    .version(false)
    .exitProcess(false)
    .detectLocale(false)
    .parserConfiguration({
      'boolean-negation': true,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
    })
    .fail((message, error) => {
      const option = /^Not enough arguments following: (.+)$/s.exec(message)?.[1]
      // Strictness and demands are ours, so nothing else is left for yargs to complain about.
      throw option === undefined ? (error ?? new UsageError(message)) : missingValue(option, title)
    })
  for (const [flag, { spec }] of flagsOf(command.options)) {
    const aliases = spec.alias === undefined ? {} : { alias: spec.alias }
    const shape = spec.kind.placeholder === '' ? { boolean: true } : { string: true, nargs: 1 }
    parser.option(flag, { description: spec.summary, ...aliases, ...shape })
  }
  return parser
}

/** The one value of an option; several of a repeatable one, joined. */
function single(flag: string, spec: OptionSpec<unknown>, value: unknown): string | boolean {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (spec.kind.placeholder === '') return values.at(-1) === true
  if (values.length === 1 || spec.repeatable === true) return values.join(',')
  throw new UsageError(`--${flag} is given ${values.length} times`, { hint: 'leave one of them' })
}

function missingValue(option: string, title: string): UsageError {
  const written = option.length === 1 ? `-${option}` : `--${option}`
  return new UsageError(`${written} needs a value`, {
    hint: `${title} --help tells which; one that begins with a dash is written ${written}=VALUE`,
  })
}
