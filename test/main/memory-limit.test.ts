import { expect, test } from '@jest/globals'
import { memoryLimit } from '../../src/main/memory-limit.ts'

const v2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate'
const v1 = '35 30 0:30 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory'
const cpu = '36 30 0:31 / /sys/fs/cgroup/cpu rw,nosuid shared:10 - cgroup cgroup rw,cpu,cpuacct'
const none = '9223372036854771712'
const limits = (data: string, addresses: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\n` +
  `Max data size             ${data.padEnd(20)} unlimited            bytes\n` +
  `Max address space         ${addresses.padEnd(20)} unlimited            bytes\n`

test.each<[what: string, files: Record<string, string>, bytes: number]>([
  ['a system that tells nothing', {}, Number.POSITIVE_INFINITY],
  [
    'cgroup v2 without a limit',
    { '/proc/self/mountinfo': v2, '/proc/self/cgroup': '0::/a\n', '/sys/fs/cgroup/a/memory.max': 'max\n' },
    Number.POSITIVE_INFINITY,
  ],
  [
    'cgroup v2',
    { '/proc/self/mountinfo': v2, '/proc/self/cgroup': '0::/a\n', '/sys/fs/cgroup/a/memory.max': '268435456\n' },
    268_435_456,
  ],
  [
    'a soft limit of cgroup v2',
    {
      '/proc/self/mountinfo': v2,
      '/proc/self/cgroup': '0::/a\n',
      '/sys/fs/cgroup/a/memory.max': '268435456\n',
      '/sys/fs/cgroup/a/memory.high': '1000000\n',
    },
    1_000_000,
  ],
  [
    'a group around it that has less',
    {
      '/proc/self/mountinfo': `${cpu}\n${v2}`,
      '/proc/self/cgroup': '0::/system.slice/netlab.slice/one.service\n',
      '/sys/fs/cgroup/system.slice/netlab.slice/one.service/memory.max': 'max\n',
      '/sys/fs/cgroup/system.slice/netlab.slice/memory.max': '3000\n',
      '/sys/fs/cgroup/system.slice/memory.max': '5000\n',
    },
    3_000,
  ],
  [
    'the root of a namespace of control groups',
    { '/proc/self/mountinfo': v2, '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '4000\n' },
    4_000,
  ],
  [
    'a group outside the namespace',
    { '/proc/self/mountinfo': v2, '/proc/self/cgroup': '0::/../../x\n', '/sys/fs/cgroup/x/memory.max': '4000\n' },
    4_000,
  ],
  [
    'cgroup v1, with a limit above',
    {
      '/proc/self/mountinfo': `${cpu}\n${v1}`,
      '/proc/self/cgroup': '4:cpu,cpuacct:/b\n9:memory:/a/b\n0::/\n',
      '/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes': `${none}\n`,
      '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': '7000\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${none}\n`,
    },
    7_000,
  ],
  [
    'a container of cgroup v1, whose path is one of the host',
    {
      '/proc/self/mountinfo': v1.replace(' / ', ' /docker/abc '),
      '/proc/self/cgroup': '9:memory:/docker/abc\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '8000\n',
    },
    8_000,
  ],
  ['ulimit -d', { '/proc/self/limits': limits('5000', 'unlimited') }, 5_000],
  ['ulimit -v', { '/proc/self/limits': limits('unlimited', '6000') }, 6_000],
  [
    'the least of all',
    {
      '/proc/self/limits': limits('5000', '6000'),
      '/proc/self/mountinfo': v2,
      '/proc/self/cgroup': '0::/a\n',
      '/sys/fs/cgroup/a/memory.max': '4000\n',
    },
    4_000,
  ],
])('the memory of a process: %s', (_what, files, bytes) => {
  expect(memoryLimit((file) => files[file])).toBe(bytes)
})
