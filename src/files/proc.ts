import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What Linux tells of processes and sockets (proc(5)); elsewhere, and of what has ended meanwhile, there is nothing. */

/** The text of a file; undefined when it can't be read. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** The names in a folder; none when it can't be read. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The processes that this one may see. */
export function processIds(): readonly number[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** Values of a socket's `state`. */
export const socketState = { listen: '0A', closeWait: '08', udpUnconnected: '07' } as const

/** A socket of this network namespace. */
export interface SocketRow {
  readonly protocol: 'tcp' | 'udp'
  readonly family: 4 | 6
  readonly state: string
  readonly localPort: number
  readonly inode: string
}

/** All sockets of a protocol. */
export function* sockets(protocol: 'tcp' | 'udp'): Generator<SocketRow> {
  for (const family of [4, 6] as const) {
    const table = readText(`/proc/net/${protocol}${family === 6 ? '6' : ''}`) ?? ''
    for (const row of table.split('\n').slice(1)) {
      const [, local = '', , state = '', , , , , , inode = ''] = row.trim().split(/\s+/)
      const localPort = Number.parseInt(local.split(':')[1] ?? '', 16)
      if (inode !== '') yield { protocol, family, state, localPort, inode }
    }
  }
}

/** The inodes of the sockets that a process has open, as `sockets` tells them. */
export function* socketInodes(pid: number): Generator<string> {
  const folder = `/proc/${pid}/fd`
  for (const fd of namesIn(folder)) {
    let target: string
    try {
      target = readlinkSync(`${folder}/${fd}`)
    } catch {
      continue
    }
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    if (inode !== undefined) yield inode
  }
}
