import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/*
 * Runs a program with a name server on 127.0.0.1:53, and servers on the ports that NAMES_LISTEN lists (`127.0.0.1:8080,…`): to be
 * started in a network namespace of its own, as `node with-names.ts PROGRAM ARGUMENT…`. What a name has says its first label:
 * `dead` none, `silent` no answer at all, `slowN` its answer after N ms, `loop` itself as another name, `many` 200 addresses,
 * `turn` another address each time, `lateN` none for N ms and then one, `six` ::1 and 127.0.0.1, all others 127.0.0.1. Names
 * in the domain `never.test` are unknown.
 */

const [program = '', ...args] = process.argv.slice(2)
const startedMs = performance.now()
let turn = 0

const type = { a: 1, cname: 5, aaaa: 28 } as const

interface Answer {
  readonly rcode?: number
  /** Type and data of each record. */
  readonly records?: readonly (readonly [type: number, data: readonly number[]])[]
}

function v4(last: number, middle = 0): readonly [number, readonly number[]] {
  return [type.a, [127, 0, middle, last]]
}

const unknown: Answer = { rcode: 3 }

function answer(name: string, asked: number): Answer {
  const [, word = '', digits = ''] = /^([a-z]+?)(\d*)[.-]/.exec(`${name}.`) ?? []
  if (name.endsWith('.never.test') || word === 'dead') return unknown
  if (word === 'late' && performance.now() - startedMs < Number(digits)) return unknown
  if (word === 'loop') return { records: [[type.cname, [0xc0, 12]]] }
  if (asked === type.aaaa) {
    return word === 'six' ? { records: [[type.aaaa, [...new Array<number>(15).fill(0), 1]]] } : {}
  }
  if (asked !== type.a) return {}
  if (word === 'many') return { records: Array.from({ length: 200 }, (_, index) => v4(index + 1, 1)) }
  if (word === 'turn') return { records: [v4((turn++ % 200) + 1)] }
  return { records: [v4(1)] }
}

/** A whole message (RFC 1035, 4.1) that answers `query`. */
function message(query: Buffer, question: Buffer, { rcode = 0, records = [] }: Answer): Buffer {
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8180 | rcode, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  const bodies = records.map(([kind, data]) =>
    Buffer.from([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, data.length >> 8, data.length & 255, ...data]),
  )
  return Buffer.concat([header, question, ...bodies])
}

function reply(query: Buffer, send: (message: Buffer) => void): void {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase())
    at += length + 1
  }
  const name = labels.join('.')
  if (name.startsWith('silent')) return
  const question = query.subarray(12, at + 5)
  const delayMs = Number(/^slow(\d+)/.exec(name)?.[1] ?? 0)
  setTimeout(() => send(message(query, question, answer(name, query.readUInt16BE(at + 1)))), delayMs)
}

/** Without records, and with the flag that says so (TC). */
function truncated(whole: Buffer): Buffer {
  const end = whole.indexOf(0, 12) + 5
  const cut = Buffer.from(whole.subarray(0, end))
  cut.writeUInt16BE(cut.readUInt16BE(2) | 0x0200, 2)
  cut.writeUInt16BE(0, 6)
  return cut
}

/** What a datagram without EDNS may hold; what is longer is asked for again over TCP. */
const datagramBytes = 512
const udp = createSocket('udp4')
udp.on('message', (query, from) => {
  reply(query, (whole) => {
    udp.send(whole.length > datagramBytes ? truncated(whole) : whole, from.port, from.address)
  })
})
const tcp = createServer((socket) => {
  socket.on('error', () => {})
  let read = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    read = Buffer.concat([read, chunk])
    while (read.length >= 2 && read.length >= 2 + read.readUInt16BE(0)) {
      const query = read.subarray(2, 2 + read.readUInt16BE(0))
      read = read.subarray(2 + query.length)
      reply(query, (whole) => {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(whole.length)
        socket.write(Buffer.concat([length, whole]))
      })
    }
  })
})

const listening: Promise<void>[] = [
  new Promise((resolve) => udp.bind(53, '127.0.0.1', resolve)),
  new Promise((resolve) => tcp.listen(53, '127.0.0.1', resolve)),
]
for (const place of (process.env.NAMES_LISTEN ?? '').split(',').filter((text) => text !== '')) {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(place) ?? []
  const server = createServer((socket) => socket.on('error', () => {}).end())
  listening.push(new Promise((resolve) => server.listen(Number(port), host, resolve)))
}
await Promise.all(listening)
const child = spawn(program, args, { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.once('exit', (code) => process.exit(code ?? 1))
