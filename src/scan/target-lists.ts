import { NetlabError, UsageError } from '../base/errors.ts'
import { parseTargets, type Target } from './targets.ts'

/** Where lists of targets come from; the texts are bounded by whoever reads them. */
export interface ListReader {
  file(path: string): Promise<string>
  stdin(): Promise<string>
}

/** A target that needs no more reading. */
export type PlainTarget = Exclude<Target, { readonly kind: 'file' | 'stdin' }>

/**
 * Puts the contents of files and standard input in the place of their names. `bounded` as for `parseTargets`.
 * @throws {UsageError} naming file and line of what is no target.
 */
export async function readLists(
  targets: readonly Target[],
  reader: ListReader,
  bounded = true,
): Promise<readonly PlainTarget[]> {
  const plain: PlainTarget[] = []
  for (const target of targets) {
    if (target.kind !== 'file' && target.kind !== 'stdin') plain.push(target)
    else {
      const [text, source] =
        target.kind === 'file' ? [await reader.file(target.path), target.path] : [await reader.stdin(), 'stdin']
      for (const one of parseList(text, source, bounded)) plain.push(one)
    }
  }
  return plain
}

/** One or more targets a line; `#` begins a comment, blank lines are skipped. A list can't name another list. */
function* parseList(text: string, source: string, bounded: boolean): Generator<PlainTarget> {
  let line = 0
  for (const content of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    line++
    for (const target of parseLine(content.replace(/#.*/, ''), `${source}, line ${line}`, bounded)) {
      if (target.kind === 'file' || target.kind === 'stdin') {
        const what = target.kind === 'file' ? `"${target.path}"` : '"-"'
        throw new UsageError(`${source}, line ${line}: ${what} is neither a host name, an address nor a network`)
      }
      yield target
    }
  }
}

function parseLine(content: string, where: string, bounded: boolean): readonly Target[] {
  try {
    return parseTargets(content, bounded)
  } catch (error) {
    if (!(error instanceof NetlabError)) throw error
    throw new UsageError(`${where}: ${error.message}`, { cause: error, ...(error.hint && { hint: error.hint }) })
  }
}
