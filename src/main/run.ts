import { ExitCode } from '../base/errors.ts'
import {
  askOnTerminal,
  askStreams,
  type CommandContext,
  type CommandLeaf,
  type CommandNode,
} from '../commands/command.ts'
import type { AskStreams } from '../options/ask.ts'
import { commandHelp, groupHelp } from './help.ts'
import { type Located, locate, strayOption } from './locate.ts'
import { asksForHelp } from './prewarm.ts'

/**
 * Finds the command that `argv` names in the tree and runs it. Whatever one way through here does not need is not
 * imported on it.
 * @throws {NetlabError} for everything that a person can mend.
 */
export async function run(
  argv: readonly string[],
  tree: readonly CommandNode[],
  context: CommandContext,
): Promise<ExitCode> {
  if (argv[0] === '--get-yargs-completions') {
    const { complete } = await import('./complete.ts')
    for (const word of await complete(tree, argv.slice(1))) context.stdout.write(`${word}\n`)
    return ExitCode.ok
  }
  // What `check` starts in its sandbox.
  if (argv[0] === '--check-worker') return (await import('../commands/check/worker.ts')).runWorker(context)
  const located = await locate(tree, argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv)
  const title = ['netlab', ...located.path].join(' ')
  if (located.leaf !== undefined) return runLeaf(located.leaf, title, located.rest, context)
  return runGroup(located, title, context)
}

async function runLeaf(
  leaf: CommandLeaf,
  title: string,
  rest: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  const command = await leaf.load()
  if (asksForHelp(rest)) {
    context.stdout.write(commandHelp(command, title, context.stdout.columns))
    return ExitCode.ok
  }
  const { parseArguments } = await import('./parse.ts')
  const { resolve } = await import('../options/resolve.ts')
  const flags = parseArguments(command, title, rest)
  const values = await resolve(command.options, {
    flags,
    environment: context.environment,
    ask: askOnTerminal(context),
  })
  return command.run(values, context)
}

async function runGroup({ path, children, rest }: Located, title: string, context: CommandContext): Promise<ExitCode> {
  if (asksForHelp(rest)) {
    context.stdout.write(groupHelp(path, children, context.stdout.columns))
    return ExitCode.ok
  }
  const [option] = rest
  if (option !== undefined) throw strayOption(option, title)
  const streams = askStreams(context)
  if (streams === undefined) {
    context.stderr.write(groupHelp(path, children, context.stderr.columns))
    return ExitCode.usage
  }
  const chosen = await chooseCommand(children, title, streams)
  return runLeaf(chosen.leaf, chosen.title, [], context)
}

/** Lets a person at a terminal choose a command, level by level. Its promise rejects with PromptClosed. */
async function chooseCommand(
  children: readonly CommandNode[],
  title: string,
  streams: AskStreams,
): Promise<{ readonly leaf: CommandLeaf; readonly title: string }> {
  const { choose } = await import('../options/ask.ts')
  const width = Math.max(...children.map(({ name }) => name.length))
  const choices = children.map((node) => ({
    value: node,
    name: `${node.name.padEnd(width)}  ${node.summary}`,
    short: node.name,
  }))
  const node = await choose<CommandNode>(streams, `${title}: what next?`, choices)
  const path = `${title} ${node.name}`
  return 'load' in node ? { leaf: node, title: path } : chooseCommand(await node.children(), path, streams)
}
