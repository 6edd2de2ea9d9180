import yargsParser from 'yargs-parser'
import { NetlabError, UsageError } from '../base/errors.ts'
import { suggest } from '../base/suggest.ts'
import type { Command } from '../commands/command.ts'
import type { Kind } from '../options/kinds.ts'
import { environmentName, flagName, type OptionSpec, type OptionSpecs } from '../options/spec.ts'

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

/** Options as they are written, `max-clients`, each with the name it was declared by. */
export type Flags = ReadonlyMap<string, { readonly name: string; readonly spec: OptionSpec<unknown> }>

/** The options that a command line may use: all but secrets, which everyone on the machine could read there. */
export function flagsOf(specs: OptionSpecs): Flags {
  const open = Object.entries(specs).filter(([, spec]) => spec.secret !== true)
  return new Map(open.map(([name, spec]) => [flagName(name), { name, spec }]))
}

/**
 * Checks the long options, and rewrites what yargs would misread: it takes `--tls=yes` for no, `-port` for four letters,
 * makes the host of `--wait host` its value,
 * and stumbles over `--constructor`. A value never begins with two dashes unless `=` stands before it.
 * @throws {UsageError}
 */
function readLongOptions(argv: readonly string[], specs: OptionSpecs, title: string): string[] {
  const flags = flagsOf(specs)
  const end = argv.indexOf('--')
  const options = end === -1 ? argv : argv.slice(0, end)
  return [...options.map((word, at) => read(word, options[at + 1], flags, specs, title)), ...argv.slice(options.length)]
}

/** For an option that a command does not have, written as the person wrote it. */
function unknownOption(written: string, specs: OptionSpecs, title: string): UsageError {
  const [, dashes = '', negation = '', word = ''] = /^(--?)(no-)?(.*)$/s.exec(written) ?? []
  const secret = Object.keys(specs).find((name) => specs[name]?.secret === true && flagName(name) === word)
  if (secret !== undefined && dashes === '--') {
    return new UsageError(`${written} would show a secret to everyone on this machine`, {
      hint: `put it into the environment as ${environmentName(secret)}, or wait to be asked`,
    })
  }
  const near = dashes === '--' ? suggest(word, [...flagsOf(specs).keys(), 'help']) : undefined
  const question = near === undefined ? '' : `; did you mean --${negation}${near}?`
  return new UsageError(`${title} has no option ${written}${question}`, { hint: `${title} --help lists its options` })
}

function read(word: string, next: string | undefined, flags: Flags, specs: OptionSpecs, title: string): string {
  const [, dashes, flag = '', value] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(word) ?? []
  if (dashes === undefined) return word
  const known = flags.get(flag)
  if (dashes === '-') {
    if (known === undefined || flag.length === 1) return word
    throw new UsageError(`-${flag} has one dash too few; did you mean --${flag}?`)
  }
  if (known === undefined) {
    const negated = flags.get(flag.replace(/^no-/, ''))
    if (negated === undefined || value !== undefined) throw unknownOption(`--${flag}`, specs, title)
    if (negated.spec.kind.placeholder === '') return word
    throw new UsageError(`--${flag} means nothing: ${flag.replace(/^no/, '-')} takes a value`)
  }
  const { bare, kind } = known.spec
  if (value === undefined && bare !== undefined && !isValue(next, kind)) return `${word}=${bare}`
  if (value === undefined || kind.placeholder !== '') return word
  try {
    const meaning = kind.parse(value)
    // A switch whose variable holds a secret: were it taken from here, everybody on the machine could read it.
    if (typeof meaning !== 'boolean') throw new UsageError('takes no value; it is asked for, or taken from a variable')
    return meaning ? `--${flag}` : `--no-${flag}`
  } catch (error) {
    if (!(error instanceof NetlabError)) throw error
    throw new UsageError(`--${flag}: ${error.message}`, { cause: error })
  }
}

/** Whether a word is meant as the value of the option before it. */
function isValue(word: string | undefined, kind: Kind<unknown>): boolean {
  try {
    return word !== undefined && kind.parse(word) !== undefined
  } catch {
    return false
  }
}

/**
 * Gives the words of a command line to the options they stand for, in order.
 * @throws {UsageError} for a word too many, or one whose option is given by name as well.
 */
function assignPositionals(
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
    assigned[name] = rest.splice(0, variadic === undefined ? 1 : rest.length).join(variadic)
  }
  const [extra] = rest
  if (extra === undefined) return assigned
  const taken = places.length === 0 ? 'no arguments' : `no more than ${places.map(({ name }) => name).join(', ')}`
  throw new UsageError(`${title} takes ${taken}; "${extra}" is one too many`, {
    hint: `${title} --help tells how it is written`,
  })
}
