import { arch } from 'node:os'
import { namesIn, processIds, readText, socketInodes, socketState, sockets } from '../files/proc.ts'

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
  for (const one of processIds()) {
    const fields = statFields(one)
    if (fields === undefined || fields[0] === 'Z') continue
    parents.set(one, { parent: Number(fields[1]), session: Number(fields[3]) })
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
  const inodes = inodesOf(pids)
  if (inodes.size === 0) return []
  const found: Listening[] = []
  for (const [protocol, waiting] of [
    ['tcp', socketState.listen],
    ['udp', socketState.udpUnconnected],
  ] as const) {
    for (const { family, state, localPort, inode } of sockets(protocol)) {
      if (state === waiting && inodes.has(inode)) found.push({ port: localPort, udp: protocol === 'udp', family })
    }
  }
  return found
}

/** How many of the TCP sockets on a local port were closed by their peer but not by their program. */
export function closeWaitCount(pids: readonly number[], port: number): number {
  const inodes = inodesOf(pids)
  let count = 0
  for (const { state, localPort, inode } of sockets('tcp')) {
    if (state === socketState.closeWait && localPort === port && inodes.has(inode)) count++
  }
  return count
}

/** Whether one of the processes sleeps in `read` on its standard input; undefined where the system doesn't tell. */
export function waitsForInput(pids: readonly number[]): boolean | undefined {
  const read = arch() === 'x64' ? '0 0x0 ' : arch() === 'arm64' ? '63 0x0 ' : undefined
  if (read === undefined) return undefined
  let told = false
  for (const pid of pids) {
    for (const task of namesIn(`/proc/${pid}/task`)) {
      const call = readText(`/proc/${pid}/task/${task}/syscall`)
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
    namesIn(`/proc/${pid}/task`).some((task) => {
      const stat = readText(`/proc/${pid}/task/${task}/stat`)
      return stat?.slice(stat.lastIndexOf(')') + 2).startsWith('R') === true
    }),
  )
}

/** USER_HZ, which is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

function inodesOf(pids: readonly number[]): Set<string> {
  return new Set(pids.flatMap((pid) => [...socketInodes(pid)]))
}

/** The fields of /proc/PID/stat from the third on: the state. The second, a name, may hold spaces and parentheses. */
function statFields(pid: number): readonly string[] | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}
