// Attackers of bench/memory.ts: `crowd.ts ATTACK PORT COUNT`. Tells its parent when all are at work, how many are still there, and leaves.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { encodeFrame, encodeFrames } from '../../src/net/frame-codec.ts'

const mebibyte = 1_048_576
const unfinished = encodeFrame(Buffer.alloc(mebibyte - 1)).subarray(0, -1)
const small = encodeFrame(Buffer.alloc(8_192)).subarray(0, -1)
const halfLine = Buffer.alloc(65_000, 'x')
const logins = encodeFrames(
  new Array(10_000).fill(JSON.stringify({ type: 'login', name: 'nobody', password: 'correct horse' })),
)
const lines = Buffer.alloc(4 * mebibyte, 'a')
// A TLS record of 16 KiB in which a ClientHello of 64 KiB begins: its end never comes.
const clientHello = Buffer.concat([Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff]), Buffer.alloc(16_380)])

/** What each does once it is connected. */
const attacks = {
  'unfinished frames': (socket: Socket) => socket.resume().write(unfinished),
  'half lines': (socket: Socket) => socket.resume().write(halfLine),
  'small half frames': (socket: Socket) => socket.resume().write(small),
  'pipelined logins': (socket: Socket) => socket.resume().write(logins),
  'answers not read': (socket: Socket) => socket.pause().write(lines),
  'one long message': (socket: Socket) => socket.resume().write(lines),
  'TLS handshakes': (socket: Socket) => socket.resume().write(clientHello),
} as const

export type AttackName = keyof typeof attacks

const [attack = '', port = '', count = ''] = process.argv.slice(2)
const sockets: Socket[] = []

async function join(): Promise<void> {
  while (sockets.length < Number(count)) {
    const batch = Array.from({ length: Math.min(100, Number(count) - sockets.length) }, () => {
      const socket = connect(Number(port), '127.0.0.1')
      socket.on('error', () => undefined)
      return socket
    })
    await Promise.all(batch.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])))
    for (const socket of batch) if (!socket.destroyed) attacks[attack as AttackName](socket)
    sockets.push(...batch)
  }
}

if (process.send !== undefined) {
  process.on('message', (question) => {
    if (question === 'count') process.send?.(sockets.filter(({ destroyed }) => !destroyed).length)
    else process.exit()
  })
  await join()
  process.send('ready')
}
