import type { CommandLeaf, CommandNode } from '../commands/command.ts'
import { type AskStreams, untilClosed } from '../options/ask.ts'

/** Lets a person at a terminal choose a command, level by level. Its promise rejects with PromptClosed. */
export async function chooseCommand(
  children: readonly CommandNode[],
  title: string,
  streams: AskStreams,
): Promise<{ readonly leaf: CommandLeaf; readonly title: string }> {
  const { select } = await import('@inquirer/prompts')
  const width = Math.max(...children.map(({ name }) => name.length))
  const choices = children.map((node) => ({
    value: node,
    name: `${node.name.padEnd(width)}  ${node.summary}`,
    short: node.name,
  }))
  const node = await untilClosed(streams, (context) => select({ message: `${title}: what next?`, choices }, context))
  const path = `${title} ${node.name}`
  return 'load' in node ? { leaf: node, title: path } : chooseCommand(await node.children(), path, streams)
}
