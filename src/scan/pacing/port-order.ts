import { Random } from './random.ts'

/** Ports that are open more often than others: found first, they tell early how the path behaves. */
const promising = [
  80, 443, 22, 21, 25, 23, 53, 110, 111, 135, 139, 143, 445, 993, 995, 1723, 3306, 3389, 5432, 5900, 6379, 8000, 8080,
  8443, 9090,
]

/**
 * The order in which the ports of every host are tried: the promising ones, then all others shuffled, always in the
 * same way. Shuffled, because the share of ports that answer then stays the same through the scan, so that a drop
 * means the path and not a stretch of filtered ports.
 */
export function portOrder(ports: readonly number[]): Uint16Array {
  // One byte a port: as a Set of numbers all ports would take megabytes.
  const isLeft = new Uint8Array(65_536)
  for (const port of ports) isLeft[port] = 1
  const first = promising.filter((port) => isLeft[port] === 1)
  for (const port of first) isLeft[port] = 0
  const order = new Uint16Array(ports.length)
  order.set(first)
  let next = first.length
  for (const port of ports) if (isLeft[port] === 1) order[next++] = port
  const random = new Random(ports.length)
  for (let last = order.length - 1; last > first.length; last--) {
    const other = first.length + random.below(last - first.length + 1)
    const port = order[last] ?? 0
    order[last] = order[other] ?? 0
    order[other] = port
  }
  return order
}
