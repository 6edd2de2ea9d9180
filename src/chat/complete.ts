import { commandSpecs } from './commands.ts'

/** What a word may become, whole words with what follows them; `word` is what is there of it. */
export interface Completion {
  readonly word: string
  readonly found: readonly string[]
}

/**
 * Commands, rooms and names that begin as the end of `typed` does.
 * @param known the likeliest first
 */
export function complete(
  typed: string,
  known: { readonly names: readonly string[]; readonly rooms: readonly string[] },
): Completion {
  const word = /\S*$/.exec(typed)?.[0] ?? ''
  const first = word.length === typed.length
  const begins = (text: string): boolean => text.toLowerCase().startsWith(word.toLowerCase())
  if (word === '') return { word, found: [] }
  if (first && word.startsWith('/')) {
    const commands = commandSpecs.map(([name]) => `/${name} `)
    return { word, found: commands.filter(begins).sort() }
  }
  if (word.startsWith('#')) return { word, found: known.rooms.map((room) => `#${room} `).filter(begins) }
  const end = first ? ': ' : ' '
  // As commands take a name that has spaces in it.
  const quoted = (name: string): string => (typed.startsWith('/') && name.includes(' ') ? `"${name}"` : name)
  return { word, found: known.names.filter(begins).map((name) => `${quoted(name)}${end}`) }
}
