import { UsageError } from '../base/errors.ts'
import type { Kind } from '../options/kinds.ts'
import { namedPorts, servicePort } from './services.ts'

const lowest = 1
const highest = 65_535

/** How many TCP ports there are; 0 is none that can be connected to. */
export const portCount = highest

/** Every TCP port, ascending. */
export function allPorts(): readonly number[] {
  return Array.from({ length: highest }, (_, index) => index + lowest)
}

/** The `count` likeliest ports, ascending. */
export function topPorts(count: number): readonly number[] {
  return likelyPorts.slice(0, count).sort((a, b) => a - b)
}

/**
 * A list such as `22,80,8000-8100,https`; `-100` means from 1, `60000-` up to 65535, `-` all of them. Ascending and
 * without duplicates, whatever the order typed.
 * @throws {UsageError} naming the piece that is wrong.
 */
export function parsePorts(text: string): readonly number[] {
  const wanted = new Uint8Array(highest + 1)
  for (const piece of text.split(',')) {
    const [first, last] = parsePiece(piece.trim(), text)
    wanted.fill(1, first, last + 1)
  }
  const ports: number[] = []
  for (let port = lowest; port <= highest; port++) if (wanted[port] === 1) ports.push(port)
  return ports
}

/** Ports as an option's value. */
export const portList: Kind<readonly number[]> = { placeholder: 'PORTS', parse: parsePorts }

function parsePiece(piece: string, text: string): readonly [first: number, last: number] {
  if (piece === '') {
    throw new UsageError(text.trim() === '' ? 'a port is needed' : `"${text}" has an empty piece between its commas`, {
      hint: 'write for example 22,80,8000-8100,https',
    })
  }
  const range = /^(\d*)\s*-\s*(\d*)$/.exec(piece)
  if (range !== null) {
    const first = range[1] ? parseNumber(range[1], piece) : lowest
    const last = range[2] ? parseNumber(range[2], piece) : highest
    if (first > last) {
      throw new UsageError(`"${piece}" runs backwards`, { hint: `write ${last}-${first}` })
    }
    return [first, last]
  }
  const port = /^\d+$/.test(piece) ? parseNumber(piece, piece) : servicePort(piece)
  if (port === undefined) {
    throw new UsageError(`"${piece}" is neither a port, a range such as 8000-8100, nor a service that is known here`)
  }
  return [port, port]
}

function parseNumber(digits: string, piece: string): number {
  const port = Number(digits)
  if (port >= lowest && port <= highest) return port
  const where = piece === digits ? '' : ` in "${piece}"`
  throw new UsageError(`port ${digits}${where} is not between ${lowest} and ${highest}`)
}

/**
 * Ports in the order in which a scan is most likely to find something. The order is our own judgement of what hosts run
 * today: web, remote shells, mail, names, Windows, databases, queues, management, then the rest. It is no measured
 * frequency, and no other scanner's list went into it.
 */
const judged = [
  [80, 443, 22, 8080, 8443, 3389, 445, 21, 25, 53, 110, 143, 993, 995, 587, 465, 135, 139, 23, 111],
  [
    3306, 5432, 6379, 1433, 27017, 8000, 8888, 5900, 3000, 8081, 9090, 9200, 2049, 1521, 11211, 5672, 1883, 389, 636,
    88,
  ],
  [5000, 8008, 8001, 9000, 10000, 8082, 8083, 9100, 631, 515, 548, 554, 873, 1723, 179, 161, 113, 119, 5060, 5061],
  [
    5985, 5986, 3268, 3269, 464, 593, 6443, 2375, 2376, 2379, 2380, 10250, 9092, 2181, 9300, 5601, 15672, 5671, 8883,
    4222,
  ],
  [
    8006, 8009, 8090, 8180, 8181, 8088, 8089, 8086, 8500, 8200, 8834, 8983, 9001, 9042, 9091, 9093, 9443, 9999, 7001,
    7002,
  ],
  [
    1080, 1194, 3128, 8118, 9050, 5222, 5269, 6667, 6697, 1935, 5357, 5800, 5901, 6000, 6001, 4369, 5984, 7474, 7687,
    28017,
  ],
  [20, 37, 79, 106, 7, 9, 13, 19, 17, 43, 49, 70, 81, 82, 88, 102, 109, 199, 427, 502],
  [512, 513, 514, 543, 544, 563, 623, 646, 666, 853, 902, 990, 992, 1099, 1024, 1025, 1026, 1027, 1028, 1029],
  [
    3260, 3478, 3690, 4443, 4444, 4567, 4848, 4899, 5001, 5009, 5050, 5051, 5190, 5351, 5353, 5555, 5631, 5666, 5938,
    6379,
  ],
  [
    49152, 49153, 49154, 49155, 49156, 49157, 49158, 32768, 32769, 50000, 50070, 60000, 25565, 32400, 47001, 62078,
    1900,
  ],
]

/** Every port with a place in the order, most likely first: the judged ones, then the remaining named ones ascending. */
export const likelyPorts: readonly number[] = [...new Set([...judged.flat(), ...namedPorts()])]
