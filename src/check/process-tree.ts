import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { arch } from 'node:os'

/** What Linux tells of a program's processes (proc(5)). Elsewhere every question is answered by "none". */

/** A port on which one of the processes listens. */
export interface Listening {
  readonly port: number
  readonly udp: boolean
  readonly family: 4 | 6
}

/** All processes whose ancestor or session leader is `pid`, itself included, and not those that have ended (zombies). */
export function processesOf(pid: number): readonly number[] {
  const parents = new Map<number, { parent: number; session: number }>()
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const fields = statFields(Number(name))
    if (fields === undefined || fields[0] === 'Z') continue
    parents.set(Number(name), { parent: Number(fields[1]), session: Number(fields[3]) })
  }
  const belongs = (candidate: number): boolean => {
    for (let at: number | undefined = candidate, depth = 0; at !== undefined && depth < 100; depth++) {
      if (at === pid) return true
      at = parents.get(at)?.parent
    }
    return parents.get(candidate)?.session === pid
  }
  return [...parents.keys()].filter(belongs)
}

/** Where the processes listen (TCP) or are bound without a peer (UDP). */
export function listeningPorts(pids: readonly number[]): readonly Listening[] {
  const inodes = socketInodes(pids)
  if (inodes.size === 0) return []
  const found: Listening[] = []
  for (const { protocol, family, state, localPort, inode } of sockets()) {
    if (!inodes.has(inode)) continue
    const udp = protocol === 'udp'
    if (state === (udp ? UDP_UNCONNECTED : TCP_LISTEN)) found.push({ port: localPort, udp, family })
  }
  return found
}

/** How many of the TCP sockets on a local port were closed by their peer but not by their program. */
export function closeWaitCount(pids: readonly number[], port: number): number {
  const inodes = socketInodes(pids)
  let count = 0
  for (const { protocol, state, localPort, inode } of sockets()) {
    if (protocol === 'tcp' && state === TCP_CLOSE_WAIT && localPort === port && inodes.has(inode)) count++
  }
  return count
}

/** Whether one of the processes sleeps in `read` on its standard input; undefined where the system doesn't tell. */
export function waitsForInput(pids: readonly number[]): boolean | undefined {
  const read = arch() === 'x64' ? '0 0x0 ' : arch() === 'arm64' ? '63 0x0 ' : undefined
  if (read === undefined) return undefined
  let told = false
  for (const pid of pids) {
    for (const task of list(`/proc/${pid}/task`)) {
      const call = text(`/proc/${pid}/task/${task}/syscall`)
      if (call === undefined) continue
      told = true
      if (call.startsWith(read)) return true
    }
  }
  return told ? false : undefined
}

/** Processor time that the processes have used, in seconds. */
export function processorSeconds(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    const fields = statFields(pid)
    if (fields !== undefined) ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / TICKS_PER_SECOND
}

/** Whether one of the threads runs or would run if it had a processor: on a busy machine that tells more than processor time. */
export function isRunnable(pids: readonly number[]): boolean {
  return pids.some((pid) =>
    list(`/proc/${pid}/task`).some((task) => {
      const stat = text(`/proc/${pid}/task/${task}/stat`)
      return stat?.slice(stat.lastIndexOf(')') + 2).startsWith('R') === true
    }),
  )
}

/** Memory that the processes have in use, in bytes. */
export function residentBytes(pids: readonly number[]): number {
  let bytes = 0
  for (const pid of pids) bytes += Number(statFields(pid)?.[21] ?? 0) * PAGE_BYTES
  return bytes
}

const TCP_LISTEN = '0A'
const TCP_CLOSE_WAIT = '08'
const UDP_UNCONNECTED = '07'
/** USER_HZ, which is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4_096

interface SocketRow {
  readonly protocol: 'tcp' | 'udp'
  readonly family: 4 | 6
  readonly state: string
  readonly localPort: number
  readonly inode: string
}

function* sockets(): Generator<SocketRow> {
  for (const protocol of ['tcp', 'udp'] as const) {
    for (const family of [4, 6] as const) {
      const rows =
        text(`/proc/net/${protocol}${family === 6 ? '6' : ''}`)
          ?.split('\n')
          .slice(1) ?? []
      for (const row of rows) {
        const [, local = '', , state = '', , , , , , inode = ''] = row.trim().split(/\s+/)
        if (inode !== '')
          yield { protocol, family, state, localPort: Number.parseInt(local.split(':')[1] ?? '', 16), inode }
      }
    }
  }
}

function socketInodes(pids: readonly number[]): Set<string> {
  const inodes = new Set<string>()
  for (const pid of pids) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1]
      if (inode !== undefined) inodes.add(inode)
    }
  }
  return inodes
}

/** The fields of /proc/PID/stat from the third on: the state. The second, a name, may hold spaces and parentheses. */
function statFields(pid: number): readonly string[] | undefined {
  const stat = text(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function text(file: string): string | undefined {
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

function link(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
