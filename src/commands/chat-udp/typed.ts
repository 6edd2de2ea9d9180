/** What a typed line means. */
export type Typed =
  | { readonly type: 'say'; readonly text: string; readonly action: boolean }
  | { readonly type: 'who' | 'quit' | 'stats' | 'help' }
  | { readonly type: 'unknown'; readonly word: string }

interface Word {
  readonly usage: string
  readonly summary: string
  readonly typed: (rest: string) => Typed
}

const words: Readonly<Record<string, Word>> = {
  '/who': { usage: '/who', summary: 'who is in the room', typed: () => ({ type: 'who' }) },
  '/me': { usage: '/me TEXT', summary: 'say what you do', typed: (text) => ({ type: 'say', text, action: true }) },
  '/stats': { usage: '/stats', summary: 'loss, duplicates, reordering, RTT', typed: () => ({ type: 'stats' }) },
  '/help': { usage: '/help', summary: 'what you can type here', typed: () => ({ type: 'help' }) },
  '/quit': { usage: '/quit', summary: 'leave the room', typed: () => ({ type: 'quit' }) },
}

/** For `/help`: usage and meaning. */
export const typedHelp: readonly (readonly [string, string])[] = [
  ...Object.values(words).map(({ usage, summary }) => [usage, summary] as const),
  ['//TEXT', 'say something that begins with /'],
]

/** Lines are messages, unless they begin with a slash. Never throws. */
export function readTyped(line: string): Typed {
  if (!line.startsWith('/')) return { type: 'say', text: line, action: false }
  if (line.startsWith('//')) return { type: 'say', text: line.slice(1), action: false }
  const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(line) ?? []
  const known = Object.hasOwn(words, word.toLowerCase()) ? words[word.toLowerCase()] : undefined
  return known?.typed(rest) ?? { type: 'unknown', word }
}
