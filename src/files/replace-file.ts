import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorCode } from '../base/errors.ts'
import { fileLimits } from './limits.ts'

/**
 * Puts `pieces`, one after the other, in the place of a file as a whole: a temporary file beside it is written, flushed and
 * renamed over it, then the folder is flushed. At every moment the name leads to a whole file, old or new. A symbolic link
 * stays, and the file behind it is replaced. Resolves once the new content would survive a power cut; rejects with the
 * system's error, and then the old content is still there. `mode` is the new file's, whatever the umask; without it the
 * umask decides.
 */
export async function replaceFile(path: string, pieces: Iterable<string>, mode?: number): Promise<void> {
  const target = behindLinks(path)
  const temporary = temporaryBeside(target)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      if (mode !== undefined) await file.chmod(mode)
      for (const piece of pieces) await file.writeFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    removeAbandoned(target, temporary)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(target))
}

/** The same for a small file, at once. @throws the system's error */
export function replaceFileSync(path: string, text: string, mode?: number): void {
  writeBeside(behindLinks(path), text, mode, renameSync)
}

/**
 * Makes a small file as a whole, at once, where there is none yet: of several processes that make the same file, one does.
 * False when there is one; it is left as it is. @throws the system's error
 */
export function createFileSync(path: string, text: string, mode?: number): boolean {
  let created = true
  writeBeside(behindLinks(path), text, mode, (temporary, target) => {
    const linked = linkFile(temporary, target)
    if (linked === 'impossible' && !existsSync(target)) return renameSync(temporary, target)
    created = linked === 'linked'
    rmSync(temporary)
  })
  return created
}

/**
 * Writes a file beside `target` that nobody else has, and brings it there.
 * @param publish moves the whole file from its temporary place to its own
 * @param flush whether the content must survive a power cut
 */
export function writeBeside(
  target: string,
  text: string,
  mode: number | undefined,
  publish: (temporary: string, target: string) => void,
  flush = true,
): void {
  const temporary = temporaryBeside(target)
  try {
    const file = openSync(temporary, 'wx', mode)
    try {
      if (mode !== undefined) fchmodSync(file, mode)
      writeFileSync(file, text)
      if (flush) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    removeAbandoned(target, temporary)
    publish(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** What a system says whose file system has no hard links (exFAT). */
const withoutLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Gives a file a second name, which appears with all that is in the file: of several processes that want the same name, one
 * gets it. `impossible` where the file system has no hard links. @throws the system's error
 */
export function linkFile(from: string, to: string): 'linked' | 'taken' | 'impossible' {
  try {
    linkSync(from, to)
    return 'linked'
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return 'taken'
    if (withoutLinks.has(errorCode(error))) return 'impossible'
    throw error
  }
}

/** A name beside `target` that no other writer has, and nobody can guess. */
function temporaryBeside(target: string): string {
  return join(dirname(target), `${prefix(target)}${crypto.randomUUID()}.tmp`)
}

/** The path of the file itself where `path` is a symbolic link to it. */
export function behindLinks(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** Cut, because a name of a file has at most 255 bytes. */
function prefix(target: string): string {
  return `.${basename(target).slice(0, 60)}.`
}

/** Files whose leftovers were looked for: only a killed process leaves one, so once is enough. */
const cleaned = new Set<string>()

/**
 * Removes the temporary files of killed processes. Those of another process that is writing now are young; how young, our
 * own tells, by the clock of the same file system. What can't be removed is left.
 */
function removeAbandoned(target: string, own: string): void {
  if (cleaned.has(target)) return
  cleaned.add(target)
  const folder = dirname(target)
  try {
    const nowMs = statSync(own).mtimeMs
    const left = readdirSync(folder).filter((name) => name.startsWith(prefix(target)) && leftover.test(name))
    for (const path of left.map((name) => join(folder, name))) {
      const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs
      if (nowMs - madeMs > fileLimits.abandonedMs) rmSync(path, { force: true })
    }
  } catch {
    // A folder that can be written but not listed keeps what is left in it.
  }
}

const leftover = /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/

/** Not possible, nor needed, on Windows. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  if (folder === undefined) return
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
