import { dirname, join } from 'node:path/posix'

/** Reads a file of the system; undefined where there is none. */
export type ReadSystemFile = (file: string) => string | undefined

/**
 * The least memory that the system gives this process, in bytes: of the control groups that it is in (cgroup v1 and v2, and all
 * that those are nested in, as far as they can be seen from here) and of its own limits. Infinite where nothing bounds it.
 */
export function memoryLimit(read: ReadSystemFile): number {
  return Math.min(...controlGroupLimits(read), ...ownLimits(read), Number.POSITIVE_INFINITY)
}

/** A limit of a table of limits (proc(5), /proc/PID/limits), by its name there; undefined for none. */
export function limitIn(table: string, name: string): number | undefined {
  const limit = new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(table)?.[1]
  return limit === undefined ? undefined : Number(limit)
}

function ownLimits(read: ReadSystemFile): number[] {
  const table = read('/proc/self/limits') ?? ''
  return ['Max data size', 'Max address space'].flatMap((name) => limitIn(table, name) ?? [])
}

/** Files with a bound in a folder of a control group. */
const v2Files = ['memory.max', 'memory.high']
const v1Files = ['memory.limit_in_bytes']

/** cgroup v1 says so where there is no limit: the largest number of whole pages. */
const unlimited = 2 ** 60

function controlGroupLimits(read: ReadSystemFile): number[] {
  const mounts = (read('/proc/self/mountinfo') ?? '').split('\n').flatMap((line) => parseMount(line) ?? [])
  const groups = (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line) => parseGroup(line) ?? [])
  return groups.flatMap(({ version, path }) => {
    const mount = mounts.find((one) => one.version === version)
    return mount === undefined ? [] : limitsAlong(read, mount, path)
  })
}

interface Mount {
  readonly version: 1 | 2
  /** The part of the hierarchy that is mounted, and where. */
  readonly root: string
  readonly point: string
}

/** A line of mountinfo (proc(5)) that mounts a hierarchy of control groups for memory. */
function parseMount(line: string): Mount | undefined {
  const [left = '', right = ''] = line.split(' - ')
  const [, , , root, point] = left.split(' ')
  const [type, , options = ''] = right.split(' ')
  if (root === undefined || point === undefined) return undefined
  if (type === 'cgroup2') return { version: 2, root, point }
  return type === 'cgroup' && options.split(',').includes('memory') ? { version: 1, root, point } : undefined
}

/** A line of /proc/self/cgroup (cgroups(7)) for the hierarchy that bounds memory. */
function parseGroup(line: string): { readonly version: 1 | 2; readonly path: string } | undefined {
  const [, id, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
  if (id === undefined || controllers === undefined || path === undefined) return undefined
  if (id === '0' && controllers === '') return { version: 2, path }
  return controllers.split(',').includes('memory') ? { version: 1, path } : undefined
}

/** The limits of a group and of those around it, up to where the hierarchy is mounted. */
function limitsAlong(read: ReadSystemFile, { version, root, point }: Mount, path: string): number[] {
  // In a container the path may be one of the host, and what is mounted begins with the container's own group.
  const within =
    path === root || path.startsWith(root === '/' ? '/' : `${root}/`) ? path.slice(root === '/' ? 0 : root.length) : '/'
  const found: number[] = []
  for (let folder = join('/', within); ; folder = dirname(folder)) {
    for (const file of version === 2 ? v2Files : v1Files) {
      const bytes = Number.parseInt(read(join(point, folder, file)) ?? '', 10)
      if (bytes < unlimited) found.push(bytes)
    }
    if (folder === '/') return found
  }
}
