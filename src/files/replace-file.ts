import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { errorCode } from '../base/errors.ts'
import { copyAccessList } from './access-list.ts'
import { fileLimits } from './limits.ts'
import { overwriteFile } from './overwrite-file.ts'

/**
 * Puts `pieces`, one after the other, in the place of a file as a whole: a temporary file beside it is written, flushed and
 * renamed over it, then the folder is flushed. At every moment the name leads to a whole file, old or new. A symbolic link
 * stays, and the file behind it is replaced; a file that is a mount of its own is written in place (`overwriteFile`). Resolves once
 * the new content would survive a power cut; rejects with the system's error, and then the old content is still there.
 *
 * The new file has the owner, group, mode and access list (ACL) of the old one, as far as the system permits. A file that is made
 * has `mode`, whatever the umask, or what the umask leaves; so has one that everybody could read where `mode` doesn't say so.
 */
export async function replaceFile(path: string, pieces: Iterable<string>, mode?: number): Promise<void> {
  const target = behindLinks(path)
  const temporary = temporaryBeside(target)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      const kept = inherit(file.fd, target, mode)
      if (kept) await copyAccessList(target, temporary)
      for (const piece of pieces) await file.writeFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    removeAbandoned(target, temporary)
    moveInto(temporary, target, mode)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(dirname(target))
}

/**
 * The same for a small file, at once. The file has `mode` then, and no access list, where there is one given.
 * @throws the system's error
 */
export function replaceFileSync(path: string, text: string, mode?: number): void {
  const target = behindLinks(path)
  writeBeside(target, text, mode, (temporary) => moveInto(temporary, target, mode))
}

/** Renames; a mount of its own, which can't be renamed over, is written to. What is no file is not put aside: a device, a FIFO. */
function moveInto(temporary: string, target: string, mode: number | undefined): void {
  const there = statSync(target, { throwIfNoEntry: false })
  if (there?.isFile() === false && !there.isDirectory())
    throw Object.assign(new Error(`${target} is not a regular file`), { code: 'EINVAL' })
  try {
    renameSync(temporary, target)
  } catch (error) {
    if (errorCode(error) !== 'EBUSY' || fileAt(target) === undefined) throw error
    overwriteFile(target, readFileSync(temporary), mode)
    rmSync(temporary, { force: true })
  }
}

function fileAt(path: string): Stats | undefined {
  const there = statSync(path, { throwIfNoEntry: false })
  return there?.isFile() === true ? there : undefined
}

/**
 * Gives a new file, as far as the system permits, what the one has whose place it will take. Returns whether there was one, and
 * the right to read it was as wide as it is now.
 */
function inherit(file: number, target: string, mode: number | undefined): boolean {
  const old = fileAt(target)
  if (old === undefined) {
    if (mode !== undefined) fchmodSync(file, mode)
    return false
  }
  const hasGroup = takeOver(file, old)
  // That everybody may read a secret is what a umask made of it, and nobody's decision.
  const tooWide = mode !== undefined && (old.mode & 0o007 & ~mode) !== 0
  // What a group was permitted is not for another one.
  fchmodSync(file, tooWide ? mode : old.mode & (hasGroup ? 0o777 : 0o707))
  return !tooWide && hasGroup
}

/** Only root gives files away, and others to groups that they are in. Returns whether it has the old group. */
function takeOver(file: number, old: Stats): boolean {
  const own = fstatSync(file)
  if (own.uid === old.uid && own.gid === old.gid) return true
  for (const uid of [old.uid, -1]) {
    try {
      fchownSync(file, uid, old.gid)
      return true
    } catch (error) {
      // EINVAL: an owner that a container knows nothing of.
      if (!['EPERM', 'EINVAL'].includes(errorCode(error))) throw error
    }
  }
  return own.gid === old.gid
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
      inherit(file, target, mode)
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

/** The path of the file itself where `path` is a symbolic link to it, also of one that is yet to be made. */
export function behindLinks(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return behindDangling(path, fileLimits.links)
  }
}

function behindDangling(path: string, links: number): string {
  try {
    return links === 0 ? path : behindDangling(resolve(dirname(path), readlinkSync(path)), links - 1)
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
