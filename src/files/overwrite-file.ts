import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  realpathSync,
  writeSync,
} from 'node:fs'

/*
 * A file that is a mount of its own (a container's `-v ./users.json:/data/users.json`) can't be replaced: its name is the
 * kernel's. Such a file is written in place, and is its own journal, since nothing else goes where it goes: the new
 * content is first appended as a whole, then written over the old, then what was appended is cut off. Whenever that ends,
 * `wholeText` finds one content, the old or the new.
 */

const begin = '\n--- netlab is writing this file: what follows takes the place of what is above ---\n'
const end = (hash: string): string => `\n--- this is whole: ${hash} ---\n`

/** System calls, for tests that break off between two of them. */
export interface FileCalls {
  write(file: number, bytes: Uint8Array, position: number): void
  sync(file: number): void
  truncate(file: number, length: number): void
}

const systemCalls: FileCalls = {
  write(file, bytes, position) {
    for (let written = 0; written < bytes.length; )
      written += writeSync(file, bytes, written, bytes.length - written, position + written)
  },
  sync: fsyncSync,
  truncate: ftruncateSync,
}

/**
 * Writes `bytes` in the place of what is in the file; owner, mode and the file itself stay, but that everybody may read it where
 * `mode` doesn't say so. @throws the system's error, and then the old content is still there.
 */
export function overwriteFile(path: string, bytes: Uint8Array, mode?: number, calls = systemCalls): void {
  const { O_RDWR, O_NOFOLLOW = 0 } = constants
  const file = openSync(path, O_RDWR | O_NOFOLLOW)
  try {
    const { mode: has } = fstatSync(file)
    if (mode !== undefined && (has & 0o007 & ~mode) !== 0) fchmodSync(file, mode)
    mend(file, calls)
    const { size } = fstatSync(file)
    const at = Math.max(size, bytes.length)
    try {
      // Blank lines, where the new content is longer: they mean nothing in any of our files.
      const gap = Buffer.alloc(at - size, '\n')
      const journal = [begin, bytes, end(hashOf(bytes))].map((part) => Buffer.from(part))
      calls.write(file, Buffer.concat([gap, ...journal]), size)
      calls.sync(file)
    } catch (error) {
      calls.truncate(file, size)
      throw error
    }
    takeFromJournal(file, bytes, calls)
  } finally {
    closeSync(file)
  }
}

function takeFromJournal(file: number, bytes: Uint8Array, calls: FileCalls): void {
  calls.write(file, bytes, 0)
  calls.sync(file)
  calls.truncate(file, bytes.length)
  calls.sync(file)
}

/** Brings what broke off earlier to its end, which may break off as well. */
function mend(file: number, calls: FileCalls): void {
  const text = readFileSync(file, 'utf8')
  const whole = wholeText(text)
  if (text === whole) return
  // The old content is untouched, or the new one complete: what follows is cut off.
  if (text.startsWith(whole)) calls.truncate(file, Buffer.byteLength(whole))
  else takeFromJournal(file, Buffer.from(whole), calls)
}

/** The one content that such a file has: nearly always all of it, and what counts of it where writing broke off. */
export function wholeText(text: string): string {
  const at = text.lastIndexOf(begin)
  if (at === -1) return withoutBeginning(text)
  const journal = text.slice(at + begin.length)
  const content = journal.slice(0, -end('0'.repeat(64)).length)
  return journal === content + end(hashOf(content)) ? content : text.slice(0, at)
}

/** The text, where the first line of a journal broke off. None of our files ends in a line like that. */
function withoutBeginning(text: string): string {
  const last = text.slice(text.lastIndexOf('\n'))
  return last.length > 1 && begin.startsWith(last) ? text.slice(0, -last.length) : text
}

/** Whether a path is the place of a mount, of a file for instance; only Linux tells. */
export function isMountPoint(path: string): boolean {
  try {
    const real = realpathSync(path)
    // The fifth field, in which blanks and the like are octal (proc_pid_mountinfo(5)).
    const octal = (_: string, digits: string): string => String.fromCharCode(Number.parseInt(digits, 8))
    const places = readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
    return places.some((line) => {
      const place = line.split(' ', 5)[4]?.replace(/\\([0-7]{3})/g, octal) ?? ''
      return Buffer.from(place, 'latin1').toString() === real
    })
  } catch {
    return false
  }
}

function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
