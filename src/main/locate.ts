import { UsageError } from '../base/errors.ts'
import { suggest } from '../base/suggest.ts'
import type { CommandGroup, CommandLeaf, CommandNode } from '../commands/command.ts'

/** Where in the command tree the words of a command line lead. */
export interface Located {
  /** `['serve', 'echo']`; empty at the top. */
  readonly path: readonly string[]
  /** The command, when the words name one… */
  readonly leaf?: CommandLeaf
  /** …else the commands that could follow. */
  readonly children: readonly CommandNode[]
  /** Beside a command that others of its group may join, as in `netlab serve ident auth`. */
  readonly siblings?: CommandGroup['children']
  /** What comes after the words. */
  readonly rest: readonly string[]
}

/**
 * Follows the leading words of `argv` into the tree, loading no command.
 * @throws {UsageError} for a word that names no command, with the one that was probably meant.
 */
export async function locate(tree: readonly CommandNode[], argv: readonly string[]): Promise<Located> {
  const path: string[] = []
  let group: Pick<CommandGroup, 'children' | 'child' | 'together'> = { children: async () => tree }
  for (const [index, word] of argv.entries()) {
    if (word.startsWith('-')) return { path, children: await group.children(), rest: argv.slice(index) }
    const known = await group.child?.(word)
    const children = known === undefined ? await group.children() : [known]
    const node = children.find(({ name }) => name === word)
    if (node === undefined) throw unknownCommand(word, path, children)
    path.push(node.name)
    if ('load' in node) {
      const end = argv.findIndex((other, at) => at > index && other.startsWith('-'))
      const more = group.together === undefined ? [] : argv.slice(index + 1, end === -1 ? undefined : end)
      const leaf = more.length === 0 ? node : await group.together?.([node.name, ...more])
      const { together, children: siblings } = group
      return {
        path: [...path, ...more],
        leaf: leaf ?? node,
        children: [],
        ...(together !== undefined && { siblings }),
        rest: argv.slice(index + 1 + more.length),
      }
    }
    group = node
  }
  return { path, children: await group.children(), rest: [] }
}

function unknownCommand(word: string, path: readonly string[], children: readonly CommandNode[]): UsageError {
  const near = suggest(
    word,
    children.map(({ name }) => name),
  )
  const here = ['netlab', ...path].join(' ')
  return new UsageError(`${here} has no command "${word}"${near === undefined ? '' : `; did you mean ${near}?`}`, {
    hint: `${here} --help lists what there is`,
  })
}

/** For an option where a command is expected. */
export function strayOption(option: string, title: string): UsageError {
  return new UsageError(`${title} has no option ${option}; options come after the command's name`, {
    hint: `${title} --help lists the commands`,
  })
}
