import type { Socket } from 'node:net'
import { limits } from '../../base/limits.ts'
import { sniffDialect } from '../../net/dialect.ts'

/**
 * The line of text with which a server begins in place of frames, without its end; undefined when what comes may be frames,
 * all of which stays to be read. The stream may end, or break, before the line is whole.
 */
export async function openingLine(socket: Socket): Promise<Buffer | undefined> {
  let seen = Buffer.alloc(0)
  for (;;) {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) {
      if (socket.readableEnded || socket.destroyed) return seen.length === 0 ? undefined : seen
      await news(socket)
      continue
    }
    if (seen.length === 0 && sniffDialect(chunk[0]) !== 'text') {
      socket.unshift(chunk)
      return undefined
    }
    seen = Buffer.concat([seen, chunk])
    const end = seen.indexOf('\n')
    if (end !== -1) return seen.subarray(0, end)
    if (seen.length > limits.lineBytes) return seen
  }
}

/** Until there may be bytes to read, or never will be. */
function news(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const happenings = ['readable', 'end', 'close'] as const
  for (const happening of happenings) socket.once(happening, resolve)
  return promise.finally(() => {
    for (const happening of happenings) socket.off(happening, resolve)
  })
}
