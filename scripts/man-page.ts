import type { Command, CommandNode } from '../src/commands/command.ts'
import { usageLine } from '../src/main/help.ts'
import { describeOptions } from '../src/options/help.ts'

/** What the command tables don't say. */
const introduction = `Serves, talks to, watches and scans TCP and UDP services. Every option can be given on the command line, in the
environment as NETLAB_ and its name, or as the answer to a question on a terminal; the first that is there wins. Secrets are
never taken from the command line.`

const exits: readonly (readonly [string, string])[] = [
  ['0', 'done; a server stopped on request; the reader of the output went away'],
  ['1', 'a negative answer: nothing open, login refused'],
  ['64', 'the command line was wrong'],
  ['69', 'could not connect, bind or resolve'],
  ['70', 'a bug in netlab; NETLAB_DEBUG=1 shows where'],
  ['74', 'log, users file or database unreadable or unwritable'],
  ['76', 'the server spoke nonsense'],
  ['130, 143', 'ended by SIGINT or SIGTERM'],
]

const files: readonly (readonly [string, string])[] = [
  ['logs/netlab.log', 'what servers do, a JSON object a line; .1 is the youngest of the old ones'],
  ['users.json', 'who is known: hosts and users'],
  ['netlab.db', 'sessions and chat history, in SQLite'],
  ['netlab-tls.pem', 'the certificate that a server made for itself, with its key'],
]

/** netlab(1) as roff(7), from the tables that also make the help. */
export async function manPage(tree: readonly CommandNode[], version: string): Promise<string> {
  const parts = [
    `.TH NETLAB 1 "" "netlab ${version}" "User Commands"\n`,
    // No hyphenation: names of options and variables are to be copied. No justification: it tears the lines apart then.
    '.nh\n.ad l\n',
    section('NAME', 'netlab \\- serve, talk to, watch and scan TCP and UDP services\n'),
    section('SYNOPSIS', '.B netlab\n.I COMMAND\n[\\fIARGUMENT\\fR ...] [\\fIOPTION\\fR ...]\n'),
    section('DESCRIPTION', `${plain(introduction)}\n`),
    '.SH COMMANDS\n',
  ]
  for (const [title, command] of await leaves(tree, 'netlab')) parts.push(commandPart(title, command))
  parts.push(section('EXIT STATUS', list(exits)), section('FILES', list(files)))
  parts.push(
    section(
      'SIGNALS',
      `${plain('SIGINT and SIGTERM let a server end its conversations; a second one ends it at once.')}\n`,
    ),
  )
  return parts.join('')
}

async function leaves(nodes: readonly CommandNode[], parent: string): Promise<(readonly [string, Command])[]> {
  const found = nodes.map(async (node) => {
    const title = `${parent} ${node.name}`
    return 'load' in node ? [[title, await node.load()] as const] : leaves(await node.children(), title)
  })
  return (await Promise.all(found)).flat()
}

function commandPart(title: string, command: Command): string {
  const examples = command.examples ?? []
  return [
    `.SS ${plain(usageLine(command, title))}\n`,
    `${plain(command.summary)}.\n`,
    list(describeOptions(command.options).map(([left, right]) => [left.trim(), right] as const)),
    examples.length === 0 ? '' : `.PP\nExamples:\n${list(examples)}`,
    command.epilogue === undefined ? '' : `.PP\n${plain(command.epilogue.trimEnd()).replaceAll('\n', '\n.br\n')}\n`,
  ].join('')
}

function section(title: string, body: string): string {
  return `.SH ${title}\n${body}`
}

function list(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([term, meaning]) => `.TP\n.B ${plain(term)}\n${plain(meaning)}\n`).join('')
}

/** Text that roff must not read as its own: backslashes, dashes that are typed, and a dot or quote that begins a line. */
function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replace(/^(?=[.'])/gm, '\\&')
}
