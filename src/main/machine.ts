import { availableParallelism, networkInterfaces } from 'node:os'
import { basename } from 'node:path'
import type { Machine } from '../commands/command.ts'
import { namesIn, processIds, readText, socketInodes, socketState, sockets } from '../files/proc.ts'
import { mainLimits } from './limits.ts'
import { limitIn, memoryLimit } from './memory-limit.ts'

/** RLIMIT_NOFILE less what is open. */
function freeDescriptors(): number {
  const limit = systemLimit('Max open files')
  return limit === undefined ? mainLimits.unlimitedDescriptors : Math.max(0, limit - namesIn('/proc/self/fd').length)
}

function addresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address)
}

/** The process that has the listening socket of a port open. */
function portHolder(port: number): string | undefined {
  const inodes = new Set<string>()
  for (const { state, localPort, inode } of sockets('tcp')) {
    if (state === socketState.listen && localPort === port) inodes.add(inode)
  }
  if (inodes.size === 0) return undefined
  for (const pid of processIds()) {
    for (const inode of socketInodes(pid)) if (inodes.has(inode)) return `${programName(pid)} (pid ${pid})`
  }
  return undefined
}

/** Node calls its main thread so, and with it the process: then the program's file tells more. */
function programName(pid: number): string {
  const name = (readText(`/proc/${pid}/comm`) ?? '').trim()
  const [file = ''] = name === 'MainThread' ? (readText(`/proc/${pid}/cmdline`) ?? '').split('\0', 1) : []
  return basename(file) || name || 'a process'
}

/** This machine and this process, for the commands. */
export function thisMachine(version: string): Machine {
  return {
    version,
    pid: process.pid,
    cores: availableParallelism(),
    freeDescriptors,
    memoryBytes: () => memoryLimit(readText),
    addressSpaceBytes: () => systemLimit('Max address space') ?? Number.POSITIVE_INFINITY,
    residentBytes: () => process.memoryUsage.rss(),
    addresses,
    portHolder,
  }
}

/** A limit of this process (getrlimit(2)), by its name in proc(5); undefined where there is none or the system doesn't tell. */
export function systemLimit(name: string): number | undefined {
  return limitIn(readText('/proc/self/limits') ?? '', name)
}
