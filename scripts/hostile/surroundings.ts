import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A machine, or a way of being started, that somebody has. */
export interface Surroundings {
  readonly name: string
  /** What the shell does before it becomes netlab (`$0`) with its words; it stands in a fresh folder. */
  readonly shell: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What it says on stderr is not to be had. */
  readonly deaf?: true
  /** Answers or what was to be kept are lost without its fault. */
  readonly loses?: true
  /** What goes wrong while netlab runs. */
  readonly midway?: (pid: number, folder: string) => void
}

const become = 'exec "$0" "$@"'
const ownFiles = 'mount -t tmpfs -o size=256k none . && cd "$PWD"'
const fill = 'dd if=/dev/zero of=full bs=1k count=1000 2>/dev/null'
const noTemporary =
  'mount --bind /tmp /tmp && mount -o remount,ro,bind /tmp && mount -t tmpfs -o ro none /dev/shm && mount -t tmpfs -o ro none /var/tmp'

function mounted(shell: string): string {
  return `exec unshare --mount /bin/sh -c '${shell} && ${become}' "$0" "$@"`
}

/** libfaketime moves the time of day, not the monotonic clock; where Debian puts it. */
function fakeTime(): string | undefined {
  for (const folder of list('/usr/lib')) {
    const file = join('/usr/lib', folder, 'faketime', 'libfaketimeMT.so.1')
    if (existsSync(file)) return file
  }
  return undefined
}

function list(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

function jumping(name: string, to: string): readonly Surroundings[] {
  const library = fakeTime()
  if (library === undefined) return []
  const shell = 'echo +0 > time; export FAKETIME_TIMESTAMP_FILE="$PWD/time"; '
  return [
    {
      name,
      shell: shell + become,
      env: { LD_PRELOAD: library, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' },
      midway: (_pid, folder) => writeFileSync(join(folder, 'time'), `${to}\n`),
    },
  ]
}

function fillDisk(pid: number): void {
  const file = join('/proc', String(pid), 'cwd', 'full')
  try {
    for (;;) writeFileSync(file, new Uint8Array(512), { flag: 'a' })
  } catch {
    // Now it is.
  }
}

export const surroundings: readonly Surroundings[] = [
  { name: 'as usual', shell: become },
  { name: 'read-only folder', shell: mounted(`${ownFiles} && mount -o remount,ro .`) },
  { name: 'nothing writable', shell: mounted(`${noTemporary} && ${ownFiles} && mount -o remount,ro .`) },
  { name: '/tmp read-only', shell: mounted(`${noTemporary} && ${ownFiles}`) },
  { name: 'full disk', shell: mounted(`${ownFiles}; ${fill}; true`), loses: true },
  { name: 'disk fills up', shell: mounted(ownFiles), midway: fillDisk, loses: true },
  ...[64, 32, 24].map((n) => ({ name: `ulimit -n ${n}`, shell: `ulimit -n ${n}; ${become}` })),
  ...[8, 4, 2].map((gib) => ({ name: `ulimit -v ${gib} GiB`, shell: `ulimit -v ${gib << 20}; ${become}` })),
  ...jumping('clock a year ahead', '+365d'),
  ...jumping('clock a year back', '-365d'),
  { name: 'LANG=C', shell: become, env: { LANG: 'C', LC_ALL: 'C' } },
  { name: 'no environment', shell: become, env: { LANG: undefined, TERM: undefined, HOME: undefined } },
  { name: 'HOME is nowhere', shell: become, env: { HOME: '/nonexistent' } },
  { name: 'no terminal', shell: `exec setsid -w "$0" "$@"` },
  { name: 'stdin closed', shell: `${become} <&-`, loses: true },
  { name: 'stdout closed', shell: `${become} >&-`, loses: true },
  { name: 'stderr closed', shell: `${become} 2>&-`, deaf: true },
  { name: 'all three closed', shell: `${become} <&- >&- 2>&-`, deaf: true, loses: true },
  { name: 'stdout full', shell: `${become} >/dev/full`, loses: true },
  { name: 'stderr full', shell: `${become} 2>/dev/full`, deaf: true },
  { name: 'folder deleted', shell: `mkdir gone && cd gone && rmdir ../gone && ${become}` },
  {
    name: 'as nobody, in a folder of root',
    shell: 'exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" "$@"',
  },
  {
    name: 'as nobody',
    shell: 'chown 65534 . && chmod 700 . && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" "$@"',
  },
  { name: 'SIGPIPE, SIGHUP ignored', shell: `trap '' PIPE HUP; ${become}` },
]
