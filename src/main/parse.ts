import yargsParser from 'yargs-parser'
import { UsageError } from '../base/errors.ts'
import type { Command } from '../commands/command.ts'
import type { OptionSpec } from '../options/spec.ts'
import { type Flags, flagsOf, readLongOptions, unknownOption } from './long-options.ts'
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
  const { argv: parsed, error } = yargsParser.detailed(words, shapeOf(flags))
  if (error !== null) throw readable(error, title)
  const { _: places, ...found } = parsed
  const given: Record<string, string | boolean> = {}
  for (const [flag, value] of Object.entries(found)) {
    const known = flags.get(flag)
    if (known === undefined) throw unknownOption(`-${flag}`, command.options, title)
    given[known.name] = single(flag, known.spec, value)
  }
  return { ...given, ...assignPositionals(command, title, places.map(String), given) }
}

/** What the parser of yargs is told about options. Of yargs it is all that is loaded here: the rest takes a start's time. */
function shapeOf(flags: Flags): yargsParser.Options {
  const shape = {
    boolean: [] as string[],
    string: [] as string[],
    alias: {} as Record<string, string>,
    narg: {} as Record<string, number>,
  }
  for (const [flag, { spec }] of flags) {
    if (spec.alias !== undefined) shape.alias[flag] = spec.alias
    if (spec.kind.placeholder === '') {
      shape.boolean.push(flag)
      continue
    }
    shape.string.push(flag)
    shape.narg[flag] = 1
  }
  return { ...shape, configuration: parserConfiguration }
}

/** Shared with completion, which asks yargs itself. */
export const parserConfiguration = {
  'boolean-negation': true,
  'camel-case-expansion': false,
  'dot-notation': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'strip-aliased': true,
}

/** Strictness and demands are ours, so a missing value is all that is left for the parser to complain about. */
function readable(error: Error, title: string): Error {
  const option = /^Not enough arguments following: (.+)$/s.exec(error.message)?.[1]
  return option === undefined ? error : missingValue(option, title)
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
