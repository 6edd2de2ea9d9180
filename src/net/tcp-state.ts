import type { Socket } from 'node:net'
import { openLibc } from '../base/libc.ts'
import { netLimits } from './limits.ts'

/** What the system knows of a connection. */
export interface TcpState {
  /** It is over, which nobody was told who does not read. */
  readonly closed: boolean
  /** An answer is owed: to data, or to a probe of keep-alive or of a closed window. */
  readonly asked: boolean
  /** How long the peer's TCP has said nothing. */
  readonly silentMs: number
}

/**
 * Undefined for a socket that has no connection. From then on the system asks this peer every few seconds, where it would leave more and
 * more time between its questions: up to two minutes to one that has long taken nothing (Linux 6.15 and later).
 */
export type ReadTcpState = (socket: Socket) => TcpState | undefined

/** TCP_INFO of Linux; undefined where the system has none that can be asked for. */
export async function loadTcpState(): Promise<ReadTcpState | undefined> {
  const libc = await openLibc()
  if (libc === undefined) return undefined
  const getsockopt: (fd: number, level: number, option: number, value: Uint8Array, bytes: Uint8Array) => number =
    libc.library.func('int getsockopt(int, int, int, void *, void *)')
  const setsockopt: (fd: number, level: number, option: number, value: Uint8Array, bytes: number) => number =
    libc.library.func('int setsockopt(int, int, int, const void *, int)')
  const info = Buffer.alloc(infoBytes)
  const mostMs = Buffer.alloc(4)
  mostMs.writeUInt32LE(netLimits.tcpQuestionMs)
  const length = Buffer.alloc(4)
  return (socket) => {
    const fd = descriptorOf(socket)
    if (fd === undefined) return undefined
    setsockopt(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, mostMs, mostMs.length)
    length.writeUInt32LE(infoBytes)
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, length) !== 0 || length.readUInt32LE() < infoBytes) return undefined
    return tcpState(info)
  }
}

const IPPROTO_TCP = 6
const TCP_INFO = 11
const TCP_RTO_MAX_MS = 44
const TCP_CLOSE = 7

/** The beginning of `struct tcp_info` (linux/tcp.h), which only grows at its end. */
export const infoBytes = 60

export function tcpState(info: Buffer): TcpState {
  const probes = info.readUInt8(3)
  const unacknowledged = info.readUInt32LE(24)
  const [sinceDataMs, sinceAckMs] = [info.readUInt32LE(52), info.readUInt32LE(56)]
  return {
    closed: info.readUInt8(0) === TCP_CLOSE,
    asked: probes > 0 || unacknowledged > 0,
    silentMs: Math.min(sinceDataMs, sinceAckMs),
  }
}

/** Node's own, which it does not document; through TLS as well. */
function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: unknown } | null }
  const fd = handle?.fd
  return typeof fd === 'number' && fd >= 0 ? fd : undefined
}
