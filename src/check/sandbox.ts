import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLibc } from '../base/libc.ts'

/**
 * Linux namespaces around a check: a network of its own without a way out, processes that end with the first of them, and a
 * /proc and a hosts file that fit. Works for any user where the system allows user namespaces, and for root.
 */
export interface Sandbox {
  /** Words before the command of the process that is to run inside. */
  readonly enter: readonly string[]
  /** Words before the program under check, which take root's rights away. */
  readonly wrapper: readonly string[]
}

/** `nobody` on every Linux system. */
const nobody = 65_534

/** The sandbox that this system allows; undefined without one. */
export function findSandbox(isRoot: boolean): Sandbox | undefined {
  const enter = [
    'unshare',
    ...(isRoot ? [] : ['-U', '-r']),
    '-n',
    '-p',
    '-i',
    '-m',
    '-f',
    '--mount-proc',
    '--kill-child=SIGKILL',
  ]
  const tried = spawnSync(enter[0] ?? '', [...enter.slice(1), 'true'], { stdio: 'ignore', timeout: 5_000 })
  if (tried.status !== 0) return undefined
  if (!isRoot) return { enter, wrapper: [] }
  // It may read what root may (an interpreter in root's home), and write nothing but its copy.
  const wrapper = [
    'setpriv',
    `--reuid=${nobody}`,
    `--regid=${nobody}`,
    '--clear-groups',
    '--no-new-privs',
    '--inh-caps=-all,+dac_read_search',
    '--ambient-caps=-all,+dac_read_search',
    '--bounding-set=-all,+dac_read_search',
  ]
  const drops = spawnSync(wrapper[0] ?? '', [...wrapper.slice(1), 'true'], { stdio: 'ignore', timeout: 5_000 })
  return drops.status === 0 ? { enter, wrapper } : undefined
}

/** Who owns the copy that the program may write to: root's program runs as nobody. */
export function ownerOf(sandbox: Sandbox | undefined): number | undefined {
  return sandbox !== undefined && sandbox.wrapper.length > 0 ? nobody : undefined
}

/** Makes the namespace that this process is in ready: loopback is up, low ports are free to all, the machine's name resolves. */
export async function prepareNamespace(): Promise<void> {
  await bringLoopbackUp()
  trySetting('/proc/sys/net/ipv4/ip_unprivileged_port_start', '0')
  const folder = mkdtempSync(join(tmpdir(), 'netlab-hosts-'))
  const hosts = join(folder, 'hosts')
  writeFileSync(hosts, `127.0.0.1 localhost ${hostname()}\n::1 localhost ip6-localhost\n${ownHosts()}`)
  spawnSync('mount', ['--bind', hosts, '/etc/hosts'], { stdio: 'ignore' })
  // The mount keeps the file.
  rmSync(folder, { recursive: true, force: true })
}

/** Names that the machine's own file gives to loopback. */
function ownHosts(): string {
  try {
    return readFileSync('/etc/hosts', 'utf8')
      .split('\n')
      .filter((line) => /^127\./.test(line))
      .join('\n')
  } catch {
    return ''
  }
}

function trySetting(file: string, value: string): void {
  try {
    writeFileSync(file, value)
  } catch {
    // An older system: then ports below 1024 are refused.
  }
}

/** SIOCSIFFLAGS on `lo` (netdevice(7)), by `ip` where koffi is missing. */
async function bringLoopbackUp(): Promise<void> {
  const libc = await openLibc()
  if (libc !== undefined) {
    const { library } = libc
    const fd: number = library.func('int socket(int, int, int)')(AF_INET, SOCK_DGRAM, 0)
    const request = Buffer.alloc(40)
    request.write('lo')
    request.writeUInt16LE(IFF_UP | IFF_RUNNING, 16)
    const answer: number = library.func('int ioctl(int, unsigned long, void *)')(fd, SIOCSIFFLAGS, request)
    library.func('int close(int)')(fd)
    if (answer === 0) return
  }
  spawnSync('ip', ['link', 'set', 'lo', 'up'], { stdio: 'ignore' })
}

const AF_INET = 2
const SOCK_DGRAM = 2
const SIOCSIFFLAGS = 0x8914
const IFF_UP = 0x1
const IFF_RUNNING = 0x40
