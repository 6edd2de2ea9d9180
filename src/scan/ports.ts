import { UsageError } from '../base/errors.ts'
import type { Kind } from '../options/kinds.ts'
import { likelyPorts } from './likely-ports.ts'
import { servicePort } from './services.ts'

const lowest = 1
const highest = 65_535

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
