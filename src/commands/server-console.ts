import { completeUsage } from '../base/suggest.ts'
import { printable } from '../base/visible.ts'
import { createLineEditor, type LineEditor } from '../terminal/line-editor.ts'
import type { CommandContext } from './command.ts'
import { commandLimits } from './limits.ts'

/** The operator's end of a server: commands from standard input, answers on standard output, talk on standard error. */
export interface ServerConsole {
  /** A line of talk: an event, a trouble. Never cuts through a line being typed. */
  talk(line: string): void
  /**
   * Starts to take commands, a line each, and prints what `carryOut` answers. The end of the input ends the commands, not the
   * server. `usages` are what Tab completes.
   */
  operate(service: string, usages: readonly string[], carryOut: (line: string) => Promise<string>): void
  close(): void
}

/** `wanted` is `--console`; only a terminal or a pipe has somebody at its other end. */
export function createServerConsole(context: CommandContext, wanted: boolean): ServerConsole {
  const { stdout, stderr, stdinKind, interrupt } = context
  let editor: LineEditor | undefined
  let unseen = 0

  /** A pipe that nobody reads must not fill the memory. */
  function say(line: string): void {
    if (stderr.writableLength > commandLimits.diagnosticsBytes) {
      unseen++
      return
    }
    if (unseen > 0) stderr.write(`(${unseen} lines were not shown: standard error was read too slowly)\n`)
    unseen = 0
    stderr.write(`${line}\n`)
  }

  // Nobody reads the answers any more: that is no reason to leave the clients.
  stdout.on('error', () => undefined)
  return {
    talk(line) {
      if (editor?.interactive === true) editor.print(line)
      else say(line)
    },
    operate(service, usages, carryOut) {
      if (!wanted || stdinKind === 'other') return
      editor = createLineEditor({
        input: context.stdin,
        output: stdout,
        prompt: `${service}> `,
        onInterrupt: interrupt,
        complete: (typed) => completeUsage(typed, usages),
      })
      void answerAll(editor, carryOut)
    },
    close: () => editor?.close(),
  }
}

async function answerAll(editor: LineEditor, carryOut: (line: string) => Promise<string>): Promise<void> {
  for await (const line of editor.lines()) {
    const text = await carryOut(line)
    if (text !== '') editor.print(text.split('\n').map(printable).join('\n'))
  }
}
