import type { AskStreams } from '../../options/ask.ts'
import type { Ask } from '../../options/resolve.ts'
import type { CommandContext } from '../command.ts'

/** Where questions go: to stderr, since stdout is for answers. Undefined without a terminal. */
export function askStreams({ stdin, stderr, signal }: CommandContext): AskStreams | undefined {
  return stdin.isTTY === true && stderr.isTTY === true ? { input: stdin, output: stderr, signal } : undefined
}

/** Asks a person; undefined when there is none. */
export function askOnTerminal(context: CommandContext): Ask | undefined {
  const streams = askStreams(context)
  if (streams === undefined) return undefined
  return async (question, spec) => {
    const { asker } = await import('../../options/ask.ts')
    return asker(streams)(question, spec)
  }
}
