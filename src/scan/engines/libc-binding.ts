import { SocketAddress } from 'node:net'
import { arch, networkInterfaces } from 'node:os'
import { openLibc } from '../../base/libc.ts'
import type { HostAddress } from '../types.ts'

/** The few calls of the C library that a scan needs, as they are; results below 0 leave their reason in `errno`. */
export interface Libc {
  readonly socket: (family: number, type: number, protocol: number) => number
  readonly connect: (fd: number, address: Uint8Array, bytes: number) => number
  readonly close: (fd: number) => number
  readonly recv: (fd: number, into: Uint8Array, bytes: number, flags: number) => number
  readonly setsockopt: (fd: number, level: number, option: number, value: Uint8Array, bytes: number) => number
  readonly getsockname: (fd: number, address: Uint8Array, bytes: Uint8Array) => number
  readonly getsockopt: (fd: number, level: number, option: number, value: Uint8Array, bytes: Uint8Array) => number
  readonly epoll_create1: (flags: number) => number
  readonly epoll_ctl: (epoll: number, operation: number, fd: number, event: Uint8Array) => number
  readonly epoll_wait: (epoll: number, events: Uint8Array, count: number, timeoutMs: number) => number
  readonly errno: () => number
  /** Calls back on the event loop whenever the descriptor is readable, until the returned function is called. */
  readonly watch: (fd: number, readable: () => void) => () => void
  /** Layout of `struct epoll_event`: packed on x86-64 only. */
  readonly eventBytes: number
  readonly eventDataOffset: number
}

/** Undefined where there is no C library to be had. */
export async function loadLibc(): Promise<Libc | undefined> {
  const libc = await openLibc()
  if (libc === undefined) return undefined
  const { koffi, library } = libc
  const packed = arch() === 'x64'
  try {
    return {
      socket: library.func('int socket(int, int, int)'),
      connect: library.func('int connect(int, const void *, int)'),
      close: library.func('int close(int)'),
      recv: library.func('intptr_t recv(int, void *, size_t, int)'),
      setsockopt: library.func('int setsockopt(int, int, int, const void *, int)'),
      getsockname: library.func('int getsockname(int, void *, void *)'),
      getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
      epoll_create1: library.func('int epoll_create1(int)'),
      epoll_ctl: library.func('int epoll_ctl(int, int, int, void *)'),
      epoll_wait: library.func('int epoll_wait(int, void *, int, int)'),
      errno: () => koffi.errno(),
      watch(fd, readable) {
        const handle = koffi.node.poll(fd, { readable: true }, readable)
        return () => handle.close()
      },
      eventBytes: packed ? 12 : 16,
      eventDataOffset: packed ? 4 : 8,
    }
  } catch {
    return undefined
  }
}

/**
 * An address as the kernel's `sockaddr_in` or `sockaddr_in6` (little-endian hosts, Linux), port 0; the port belongs in
 * bytes 2 and 3, most significant first. A scope (`fe80::1%eth0`) is looked up among this system's interfaces.
 */
export function socketAddress({ address, family }: HostAddress, interfaces = networkInterfaces): Buffer {
  const [numeric = '', scope] = address.split('%')
  if (family === 4) {
    const bytes = Buffer.alloc(16)
    bytes.writeUInt16LE(AF_INET, 0)
    bytes.set(numeric.split('.').map(Number), 4)
    return bytes
  }
  const bytes = Buffer.alloc(28)
  bytes.writeUInt16LE(AF_INET6, 0)
  bytes.set(groups(numeric), 8)
  if (scope !== undefined) bytes.writeUInt32LE(scopeId(scope, interfaces), 24)
  return bytes
}

export const AF_INET = 2
export const AF_INET6 = 10

/** An interface has addresses of several scopes; the link's number stands beside those of the link. */
function scopeId(scope: string, interfaces: typeof networkInterfaces): number {
  for (const entry of interfaces()[scope] ?? [])
    if (entry.family === 'IPv6' && entry.scopeid !== 0) return entry.scopeid
  return Number(scope) || 0
}

/** The sixteen bytes of an IPv6 address (RFC 4291 2.2, all three forms). */
function groups(text: string): number[] {
  // Node writes it in its shortest form, an embedded IPv4 address always last.
  const [head = '', tail] = new SocketAddress({ address: text, family: 'ipv6' }).address.split('::')
  const left = bytesOf(head)
  const right = tail === undefined ? [] : bytesOf(tail)
  return [...left, ...new Array<number>(16 - left.length - right.length).fill(0), ...right]
}

function bytesOf(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}
