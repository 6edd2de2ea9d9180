import type { CommandContext } from '../command.ts'

export interface KeyActions {
  /** `space` */
  status(): void
  /** `q` */
  quit(): void
}

/** Listens for single keys on a terminal until the returned function is called; elsewhere does nothing. */
export function listenKeys(context: CommandContext, actions: KeyActions): () => void {
  const { stdin, stdinKind, stderr, interrupt } = context
  if (stdinKind !== 'terminal' || stderr.isTTY !== true) return () => {}
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
