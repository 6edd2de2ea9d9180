import {
  constants,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errorCode } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Processes } from '../base/processes.ts'
import { linkFile } from '../files/link-file.ts'

/** The text of a process's locks: its pid and when it started. */
export function lockText(pid: number): string {
  return `${pid} ${startOf(pid)}\n`
}

export function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Makes the file `path` say `text`, unless it says that somebody is alive: then that is returned, else undefined. */
export function takeLockFile(path: string, text: string, processes: Processes): string | undefined {
  // Written apart and then linked, so that nobody ever reads half a lock.
  const own = `${path}.${processes.pid}`
  try {
    writeFileSync(own, text)
    if (tryLink(own, path)) return undefined
    // Whoever was killed while it took the lock has left that, too, but for a moment; so no other start lists the folder.
    removeAbandoned(path, processes)
    return takeOver(path, own, text, processes)
  } finally {
    rmSync(own, { force: true })
  }
}

/** Under a second lock, so that of two servers that find a dead owner's lock only one takes it over. */
function takeOver(path: string, own: string, text: string, processes: Processes): string | undefined {
  const guard = `${path}.takeover`
  const isHeld = (found: string | undefined): found is string => found !== undefined && isAlive(found, text, processes)
  const owner = readLock(path)
  if (isHeld(owner)) return owner
  const other = readLock(guard)
  if (other !== undefined) {
    if (isHeld(other) && !isOld(guard, own)) return other
    setAside(guard, other, processes.pid)
  }
  if (!tryLink(own, guard)) return readLock(guard) ?? ''
  try {
    const now = readLock(path)
    if (isHeld(now)) return now
    renameSync(own, path)
    // Had somebody set our guard aside with a dead one's, there could be two of us here, and the later one has it.
    const last = readLock(path)
    return last === text ? undefined : last
  } finally {
    if (readLock(guard) === text) rmSync(guard, { force: true })
  }
}

function isAlive(found: string, own: string, processes: Processes): boolean {
  if (found === own) return true
  const [pid = 0, started] = found.trim().split(' ').map(Number)
  // With our pid, but not our lock: left by a dead process that had the same one.
  if (!Number.isInteger(pid) || pid <= 0 || pid === processes.pid) return false
  const now = startOf(pid)
  if (started !== 0 && now !== 0 && started !== now) return false
  return processes.isAlive(pid)
}

/** The file we just wrote tells what time it is to this file system. */
function isOld(guard: string, own: string): boolean {
  const madeMs = statSync(guard, { throwIfNoEntry: false })?.mtimeMs
  return madeMs !== undefined && statSync(own).mtimeMs - madeMs > limits.lockTakeoverMs
}

/** Removes a file that says `text`. Only one can rename it; what turns out to be another's goes back. */
function setAside(path: string, text: string, pid: number): void {
  const aside = `${path}.${pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return
    throw error
  }
  if (readLock(aside) !== text) tryLink(aside, path)
  rmSync(aside, { force: true })
}

/** Removes what killed processes had written apart. */
function removeAbandoned(path: string, processes: Processes): void {
  const folder = dirname(path)
  const lock = basename(path)
  try {
    for (const name of readdirSync(folder)) {
      const pid = name.startsWith(lock) ? /^\.(?:takeover\.)?(\d+)$/.exec(name.slice(lock.length))?.[1] : undefined
      if (pid !== undefined && !processes.isAlive(Number(pid))) rmSync(join(folder, name), { force: true })
    }
  } catch {
    // A folder that can be written but not listed keeps what is left in it.
  }
}

function tryLink(from: string, to: string): boolean {
  const linked = linkFile(from, to)
  return linked === 'impossible' ? tryCopy(from, to) : linked === 'linked'
}

/** For file systems without hard links (exFAT). */
function tryCopy(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Clock ticks from boot to the start of a process (proc(5), field 22), so that a reused pid is recognised; 0 elsewhere. */
function startOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0)
  } catch {
    return 0
  }
}
