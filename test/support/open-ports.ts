import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** The TCP ports on which a process listens, from /proc (proc(5)). */
export function openPorts(pid: number): readonly number[] {
  const folder = `/proc/${pid}/fd`
  const sockets = new Set(readdirSync(folder).map((name) => link(`${folder}/${name}`)))
  const table = ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/${pid}/net/${name}`, 'utf8').split('\n').slice(1))
  const rows = table.map((row) => row.trim().split(/\s+/))
  const listening = rows.filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.has(`socket:[${inode}]`))
  return listening.map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16))
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
