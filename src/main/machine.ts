import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { availableParallelism, networkInterfaces } from 'node:os'
import { basename } from 'node:path'
import type { Machine } from '../commands/command.ts'
import { mainLimits } from './limits.ts'
import { limitIn, memoryLimit } from './memory-limit.ts'

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** RLIMIT_NOFILE less what is open. */
function freeDescriptors(): number {
  const limit = systemLimit('Max open files')
  return limit === undefined ? mainLimits.unlimitedDescriptors : Math.max(0, limit - list('/proc/self/fd').length)
}

function addresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address)
}

/** Linux: the listening socket's inode from /proc/net/tcp, then the process that has it open (proc(5)). */
function portHolder(port: number): string | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const listening = '0A'
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (read(table) ?? '').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
      if (state === listening && local.endsWith(`:${hex}`)) inodes.add(`socket:[${inode}]`)
    }
  }
  if (inodes.size === 0) return undefined
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      if (inodes.has(link(`/proc/${pid}/fd/${fd}`))) {
        return `${programName(pid)} (pid ${pid})`
      }
    }
  }
  return undefined
}

/** Node calls its main thread so, and with it the process: then the program's file tells more. */
function programName(pid: string): string {
  const name = (read(`/proc/${pid}/comm`) ?? '').trim()
  const [file = ''] = name === 'MainThread' ? (read(`/proc/${pid}/cmdline`) ?? '').split('\0', 1) : []
  return basename(file) || name || 'a process'
}

function link(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}

/** This machine and this process, for the commands. */
export function thisMachine(version: string): Machine {
  return {
    version,
    pid: process.pid,
    cores: availableParallelism(),
    freeDescriptors,
    memoryBytes: () => memoryLimit(read),
    addressSpaceBytes: () => systemLimit('Max address space') ?? Number.POSITIVE_INFINITY,
    residentBytes: () => process.memoryUsage.rss(),
    addresses,
    portHolder,
  }
}

/** A limit of this process (getrlimit(2)), by its name in proc(5); undefined where there is none or the system doesn't tell. */
export function systemLimit(name: string): number | undefined {
  return limitIn(read('/proc/self/limits') ?? '', name)
}
