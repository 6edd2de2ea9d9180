import { Socket, type SocketConstructorOpts } from 'node:net'
import type { Transferable } from 'node:worker_threads'
import { FramedSocket } from '../net/framed-socket.ts'
import { serveLimits } from './limits.ts'

/**
 * A connected socket on its way between threads: the Socket itself, which Node can move since 24.20 and 26.6, or only
 * the handle inside it, which spares the Socket object on the way (worth a sixth of all connections per second).
 */
export type TransferredSocket = Socket | SocketHandle

/** The part of a Socket that belongs to the system; opaque. */
export interface SocketHandle {
  close(): void
}

interface WithHandle {
  _handle?: SocketHandle | null
}

function isHandle(value: unknown): value is SocketHandle {
  return typeof value === 'object' && value !== null && 'close' in value && 'readStart' in value
}

/** Takes the handle out of a freshly accepted, paused socket; the empty Socket is closed. Where that can't be done, the Socket itself moves. */
export function detach(socket: Socket): TransferredSocket {
  const holder = socket as unknown as WithHandle
  const handle = holder._handle
  if (!isHandle(handle)) return socket
  holder._handle = null
  socket.destroy()
  return handle
}

/** Half-open, and saying so when `serveLimits.sendQueueBytes` wait for the peer. */
const common = { allowHalfOpen: true, writableHighWaterMark: serveLimits.sendQueueBytes }

/** What goes into the transfer list of `postMessage`. */
export function transferable(transferred: TransferredSocket): Transferable {
  return transferred as unknown as Transferable
}

/** Closes a socket that has not moved, and can't any more. */
export function discard(transferred: TransferredSocket): void {
  if (transferred instanceof Socket) transferred.destroy()
  else transferred.close()
}

/** What reading a socket takes, and what becomes of the bytes. */
export interface SocketReader {
  /** The buffer of the next read, which all clients of the thread share. */
  shared(): Buffer
  /** The size of a buffer of its own for a client that sends a stream; 0 while there is no memory for one. */
  streamBytes(): number
  /** It has a buffer of its own of this size from now on, or none: 0. */
  keeps(bytes: number): void
  /** What is still to come is dropped: `chunk` then gets bytes that are good only until it returns. */
  isDropping(): boolean
  /** Bytes came: good until this returns, longer once written to this socket. Returns whether reading goes on. */
  chunk(bytes: Buffer): boolean
}

/**
 * Opens a moved socket for raw reading, through a buffer that idle clients share: what lands in it is copied. A client that
 * fills it sends a stream and reads into a buffer of its own, without copying, for as long as that lasts.
 * Falls back to ordinary 'data' events where the handle can't be had.
 */
export function openForReading(transferred: TransferredSocket, reader: SocketReader): FramedSocket {
  const handle = transferred instanceof Socket ? detach(transferred) : transferred
  if (handle instanceof Socket) {
    const socket = FramedSocket.attach(handle)
    socket.on('data', (chunk) => {
      if (!reader.chunk(chunk)) socket.pause()
    })
    return socket
  }
  let own: Buffer | undefined
  /** After a write that waits for its peer the buffer that it came from is still needed. */
  const nextOwn = (bytesRead: number): Buffer | undefined => {
    const size = bytesRead < serveLimits.streamReadBytes || reader.isDropping() ? 0 : reader.streamBytes()
    if (size === 0) return undefined
    return own?.length === size && socket.writableLength === 0 ? own : Buffer.allocUnsafeSlow(size)
  }
  const options = {
    ...common,
    handle,
    onread: {
      buffer: () => own ?? reader.shared(),
      callback(bytesRead: number, bytes: Buffer): boolean {
        const view = bytesRead === bytes.length ? bytes : bytes.subarray(0, bytesRead)
        const goOn = reader.chunk(own === undefined && !reader.isDropping() ? Buffer.from(view) : view)
        const next = nextOwn(bytesRead)
        if (next !== own) {
          own = next
          reader.keeps(own?.length ?? 0)
        }
        return goOn
      },
    },
  }
  const socket = new FramedSocket(options as unknown as SocketConstructorOpts)
  return socket
}

/** Opens a moved socket as an ordinary one, paused. */
export function openOrdinary(transferred: TransferredSocket): FramedSocket {
  if (transferred instanceof Socket) return FramedSocket.attach(transferred)
  return new FramedSocket({ ...common, handle: transferred } as unknown as SocketConstructorOpts)
}
