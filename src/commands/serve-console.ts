import { limits } from '../base/limits.ts'
import { printable } from '../base/visible.ts'
import { completeCommand, type OperatorTools, operate } from '../serve/operator-console.ts'
import { createLineEditor, type LineEditor } from '../terminal/line-editor.ts'
import type { CommandContext } from './command.ts'

/** The operator's end of a server: commands from standard input, answers on standard output, talk on standard error. */
export interface ServeConsole {
  /** A line of talk: an event, a trouble. Never cuts through a line being typed. */
  talk(line: string): void
  /** Starts to take commands. The end of the input ends the commands, not the server. */
  operate(tools: OperatorTools): void
  close(): void
}

/** `wanted` is `--console`; only a terminal or a pipe has somebody at its other end. */
export function createServeConsole(context: CommandContext, wanted: boolean): ServeConsole {
  const { stdout, stderr, stdinKind, interrupt } = context
  let editor: LineEditor | undefined
  let unseen = 0

  /** A pipe that nobody reads must not fill the memory. */
  function say(line: string): void {
    if (stderr.writableLength > limits.talkBytes) {
      unseen++
      return
    }
    if (unseen > 0) stderr.write(`(${unseen} lines were not shown: standard error was read too slowly)\n`)
    unseen = 0
    stderr.write(`${line}\n`)
  }

  return {
    talk(line) {
      if (editor?.interactive === true) editor.print(line)
      else say(line)
    },
    operate(tools) {
      if (!wanted || stdinKind === 'other') return
      editor = createLineEditor({
        input: context.stdin,
        output: stdout,
        prompt: `${tools.service}> `,
        onInterrupt: interrupt,
        complete: completeCommand,
      })
      void answer(editor, tools)
    },
    close: () => editor?.close(),
  }
}

async function answer(editor: LineEditor, tools: OperatorTools): Promise<void> {
  for await (const line of editor.lines()) {
    const text = await operate(line, tools)
    if (text !== '') editor.print(text.split('\n').map(printable).join('\n'))
  }
}
