import {
  closeSync,
  existsSync,
  fsyncSync,
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
import { limits } from '../base/limits.ts'
import { linkFile } from './link-file.ts'

/**
 * Puts `pieces`, one after the other, in the place of a file as a whole: a temporary file beside it is written, flushed and
 * renamed over it, then the folder is flushed. At every moment the name leads to a whole file, old or new. A symbolic link
 * stays, and the file behind it is replaced. Resolves once the new content would survive a power cut; rejects with the
 * system's error, and then the old content is still there. `mode` is the new file's, less the umask.
 */
export async function replaceFile(path: string, pieces: Iterable<string>, mode = 0o666): Promise<void> {
  const { target, temporary } = places(path)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
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
export function replaceFileSync(path: string, text: string, mode = 0o666): void {
  writeBeside(path, text, mode, renameSync)
}

/**
 * Makes a small file as a whole, at once, where there is none yet: of several processes that make the same file, one does.
 * False when there is one; it is left as it is. @throws the system's error
 */
export function createFileSync(path: string, text: string, mode = 0o666): boolean {
  let created = true
  writeBeside(path, text, mode, (temporary, target) => {
    const linked = linkFile(temporary, target)
    if (linked === 'impossible' && !existsSync(target)) return renameSync(temporary, target)
    created = linked === 'linked'
    rmSync(temporary)
  })
  return created
}

/** @param publish brings the whole file to its place, and leaves nothing at its temporary one. */
function writeBeside(
  path: string,
  text: string,
  mode: number,
  publish: (temporary: string, target: string) => void,
): void {
  const { target, temporary } = places(path)
  try {
    const file = openSync(temporary, 'wx', mode)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
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

/** The file behind a link, and a name beside it that no other writer has. */
function places(path: string): { readonly target: string; readonly temporary: string } {
  const target = behindLinks(path)
  return { target, temporary: join(dirname(target), `${prefix(target)}${crypto.randomUUID()}.tmp`) }
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
      if (nowMs - madeMs > limits.abandonedFileMs) rmSync(path, { force: true })
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
