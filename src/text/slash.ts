import { suggest } from '../base/suggest.ts'
import { textLimits } from './limits.ts'

/** How a command is typed and what it does, for the help. */
export interface CommandUsage {
  /** `/kick NAME [REASON]` */
  readonly usage: string
  readonly summary: string
}

/** A command by its name in a table, and what follows the word; or a word that is in no table, with the likeliest one. */
export type SlashCommand<Name extends string> =
  | { readonly kind: 'command'; readonly name: Name; readonly rest: string }
  | { readonly kind: 'unknown'; readonly word: string; readonly suggestion: Name | undefined }

/** What a typed line means: text to be said, or a command. */
export type SlashLine<Name extends string> = { readonly kind: 'text'; readonly text: string } | SlashCommand<Name>

/** A line is text unless it begins with a slash; two slashes are a text that begins with one. Case of a command does not matter. */
export function parseSlashLine<Name extends string>(
  line: string,
  commands: Readonly<Record<Name, unknown>>,
): SlashLine<Name> {
  if (!line.startsWith('/')) return { kind: 'text', text: line }
  if (line.startsWith('//')) return { kind: 'text', text: line.slice(1) }
  return parseSlashCommand(line.slice(1), commands)
}

/** The same without the slash, where nothing but commands is typed. */
export function parseSlashCommand<Name extends string>(
  line: string,
  commands: Readonly<Record<Name, unknown>>,
): SlashCommand<Name> {
  const [word, rest] = firstWord(line)
  const name = word.toLowerCase()
  if (isNameIn(commands, name)) return { kind: 'command', name, rest }
  return { kind: 'unknown', word, suggestion: suggest(name, Object.keys(commands)) as Name | undefined }
}

function isNameIn<Name extends string>(commands: Readonly<Record<Name, unknown>>, name: string): name is Name {
  return Object.hasOwn(commands, name)
}

/** The first word and what follows it, without the white space between. */
export function firstWord(text: string): readonly [word: string, rest: string] {
  const end = text.search(/\s/)
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end).trimStart()]
}

/** The lines of `/help`: usage, then what it does, in one column for all. */
export function usageTable(commands: readonly CommandUsage[]): readonly string[] {
  const most = textLimits.usageColumns
  const lengths = commands.map(({ usage }) => usage.length).filter((length) => length + 2 <= most)
  const columns = Math.max(0, ...lengths) + 2
  return commands.flatMap(({ usage, summary }) =>
    usage.length + 2 <= columns ? [usage.padEnd(columns) + summary] : [usage, ' '.repeat(columns) + summary],
  )
}
