import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { errorCode } from '../base/errors.ts'
import { logLimits } from './limits.ts'

const lineFeed = 0x0a

/**
 * The last `count` whole lines of the files taken together, oldest first. `paths` begins with the youngest file; a missing
 * one ends the search. Reads backwards, `maxBytes` at most.
 */
export function lastLines(paths: readonly string[], count: number, maxBytes: number = logLimits.tailBytes): string[] {
  let lines: string[] = []
  let leftBytes = maxBytes
  for (const path of paths) {
    if (lines.length >= count || leftBytes <= 0) break
    const end = readEnd(path, count - lines.length, leftBytes)
    if (end === undefined) break
    leftBytes -= end.length
    lines = [...wholeLines(end, count - lines.length), ...lines]
  }
  return lines
}

/** The end of a file, far enough to hold `count` whole lines (or all there are), up to the last line feed. */
function readEnd(path: string, count: number, maxBytes: number): Buffer | undefined {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const size = fstatSync(descriptor).size
    const lowest = Math.max(0, size - maxBytes)
    const blocks: Buffer[] = []
    let position = size
    // One line feed more than lines: the first one found backwards ends the last line.
    for (let found = 0; position > lowest && found <= count; ) {
      const from = Math.max(lowest, position - logLimits.tailBlockBytes)
      const block = Buffer.alloc(position - from)
      const read = readSync(descriptor, block, 0, block.length, from)
      blocks.push(block.subarray(0, read))
      found += countLineFeeds(block)
      position = from
    }
    const bytes = Buffer.concat(blocks.reverse())
    // What comes before the first line feed is the rest of a line, unless the file begins there.
    const start = position === 0 ? 0 : bytes.indexOf(lineFeed) + 1
    return bytes.subarray(start, bytes.lastIndexOf(lineFeed) + 1)
  } finally {
    closeSync(descriptor)
  }
}

function wholeLines(bytes: Buffer, count: number): string[] {
  if (bytes.length === 0 || count === 0) return []
  return bytes.toString('utf8').slice(0, -1).split('\n').slice(-count)
}

function countLineFeeds(block: Buffer): number {
  let count = 0
  for (let at = block.indexOf(lineFeed); at !== -1; at = block.indexOf(lineFeed, at + 1)) count++
  return count
}
