import { NetlabError, UsageError } from '../base/errors.ts'
import { suggest } from '../base/suggest.ts'
import type { Kind } from '../options/kinds.ts'
import { environmentName, flagName, type OptionSpec, type OptionSpecs } from '../options/spec.ts'

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
export function readLongOptions(argv: readonly string[], specs: OptionSpecs, title: string): string[] {
  const flags = flagsOf(specs)
  const end = argv.indexOf('--')
  const options = end === -1 ? argv : argv.slice(0, end)
  return [...options.map((word, at) => read(word, options[at + 1], flags, specs, title)), ...argv.slice(options.length)]
}

/** For an option that a command does not have, written as the person wrote it. */
export function unknownOption(written: string, specs: OptionSpecs, title: string): UsageError {
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
