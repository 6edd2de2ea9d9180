import yargs, { type Argv } from 'yargs'
import type { Command, CommandNode } from '../commands/command.ts'
import { flagName } from '../options/spec.ts'
import { locate } from './locate.ts'
import { flagsOf, parserConfiguration } from './parse.ts'

/**
 * The words that may stand at the end of `words`, whose last one is being typed. Empty where only the person knows: the
 * shell then offers file names.
 */
export async function complete(
  tree: readonly CommandNode[],
  typedWords: readonly string[],
): Promise<readonly string[]> {
  // bash makes three words of --log-to=file.
  const words = typedWords.at(-1) === '=' ? [...typedWords, ''] : typedWords
  const typed = words.at(-1) ?? ''
  const before = words.slice(words[0] === 'help' && words.length > 1 ? 1 : 0, -1)
  const located = await locate(tree, before).catch(() => undefined)
  if (located === undefined) return []
  const parser = yargs([]).scriptName('netlab').help(false).version(false).detectLocale(false)
  if (located.leaf === undefined) {
    for (const { name, summary } of located.children) parser.command(name, summary)
  } else {
    const command = await located.leaf.load()
    const last = words.at(words.at(-2) === '=' ? -3 : -2) ?? ''
    const awaited = Object.entries(command.options).find(([name, spec]) => {
      return last === `--${flagName(name)}` || last === `-${spec.alias}`
    })?.[1]
    if (awaited !== undefined && awaited.kind.placeholder !== '') return matching(awaited.kind.words ?? [], typed)
    declare(parser, command)
    if (!typed.startsWith('-')) {
      const place = command.positionals?.[located.rest.filter((word) => !word.startsWith('-')).length]
      if (place !== undefined) return matching(command.options[place.name]?.kind.words ?? [], typed)
      const siblings = located.rest.length === 0 ? ((await located.siblings?.()) ?? []) : []
      const others = siblings.map(({ name }) => name).filter((name) => !located.path.includes(name))
      return matching(others, typed)
    }
  }
  return matching(await parser.getCompletion([typed]), typed)
}

function declare(parser: Argv, command: Command): void {
  parser.parserConfiguration(parserConfiguration)
  for (const [flag, { spec }] of flagsOf(command.options)) {
    const aliases = spec.alias === undefined ? {} : { alias: spec.alias }
    const shape = spec.kind.placeholder === '' ? { boolean: true } : { string: true, nargs: 1 }
    parser.option(flag, { description: spec.summary, ...aliases, ...shape })
    // yargs offers --no-x for what it knows to be on.
    if (spec.default === true) parser.default(flag, true)
  }
}

function matching(words: readonly string[], typed: string): string[] {
  return words.filter((word) => word.startsWith(typed))
}
