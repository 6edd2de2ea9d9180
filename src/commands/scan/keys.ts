import { readFileSync } from 'node:fs'
import type { CommandContext } from '../command.ts'

export interface KeyActions {
  /** `space` */
  status(): void
  /** `q` */
  quit(): void
}

/** Listens for single keys on a terminal until the returned function is called; elsewhere does nothing. */
export function listenKeys({ stdin, stderr, interrupt }: CommandContext, actions: KeyActions): () => void {
  if (stdin.isTTY !== true || stderr.isTTY !== true || !inForeground()) return () => {}
  const onKeys = (keys: Buffer | string): void => {
    for (const key of keys.toString()) {
      if (key === ' ') actions.status()
      else if (key === 'q' || key === 'Q') actions.quit()
      else if (key === '\x03') interrupt()
    }
  }
  stdin.setRawMode(true)
  stdin.on('data', onKeys)
  stdin.resume()
  return () => {
    stdin.off('data', onKeys)
    stdin.setRawMode(false)
    stdin.pause()
  }
}

/** A job in the background that changes the terminal's mode is stopped by the system (SIGTTOU), so it must not. */
function inForeground(): boolean {
  try {
    // After the name in parentheses: state, parent, group, session, terminal, the foreground group, -1 without a terminal (proc_pid_stat(5)).
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return fields[5] === '-1' || fields[2] === fields[5]
  } catch {
    return true
  }
}
