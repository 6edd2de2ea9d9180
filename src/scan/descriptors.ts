import { readFileSync } from 'node:fs'

/** Descriptors that the process needs for itself: files, pipes, the console, the thread's own loop. */
const OWN = 48

/**
 * How many sockets may be open at a time under the descriptor limit (`ulimit -n`), where the system tells (Linux);
 * undefined elsewhere: then a shortage tells.
 */
export function socketAllowance(): number | undefined {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return line === null ? undefined : Math.max(16, Number(line[1]) - OWN)
  } catch {
    return undefined
  }
}
