import { suggest } from '../base/suggest.ts'

/** What someone at a console is told whose word names none of `commands`. */
export function noCommand(word: string, commands: readonly string[]): string {
  const near = suggest(word.toLowerCase(), commands)
  const meant = near === undefined ? '' : `did you mean ${near}? `
  return `"${word}" is no command; ${meant}"help" shows what you can type here`
}

/** What `typed` may become, for Tab: the words of a usage that are typed as they stand. `clear logs|users` makes two. */
export function completeUsage(
  typed: string,
  usages: readonly string[],
): { readonly word: string; readonly found: readonly string[] } {
  const found = typed === '' ? [] : usages.flatMap(fixedWords).filter((line) => line.startsWith(typed))
  return { word: typed, found: found.map((line) => `${line} `) }
}

function fixedWords(usage: string): readonly string[] {
  const [, fixed = ''] = /^([a-z |]*)/.exec(usage) ?? []
  const [command = '', choices] = fixed.trim().split(' ')
  return choices === undefined ? [command] : choices.split('|').map((choice) => `${command} ${choice}`)
}
