import { version } from '../base/version.ts'
import type { Command, CommandNode } from '../commands/command.ts'
import { columns, describeOptions, wrap } from '../options/help.ts'
import { mainLimits } from './limits.ts'

/** As wide as the terminal, within reason; 80 off a terminal. */
function pageWidth(terminal: number | undefined): number {
  return Math.min(terminal === undefined || terminal < 40 ? 80 : terminal, mainLimits.helpColumns)
}

/** The page of `netlab --help` (empty path) or of a group such as `netlab serve --help`. */
export function groupHelp(path: readonly string[], children: readonly CommandNode[], terminal?: number): string {
  const title = ['netlab', ...path].join(' ')
  const top = path.length === 0
  const names = children.map(({ name, summary }) => [name, summary] as const)
  const options: [string, string][] = [['-h, --help', 'print this page, or that of a command']]
  if (top) options.push(['-V, --version', 'print the version'])
  return [
    top ? `netlab ${version}: serve, talk to, watch and scan TCP and UDP services\n\n` : '',
    `Usage: ${title} COMMAND [ARGUMENT…] [OPTION…]\n\n`,
    `Commands:\n${columns(names, pageWidth(terminal))}\n`,
    `Options:\n${columns(options, pageWidth(terminal))}\n`,
    `${title} COMMAND --help tells all about one command.\n`,
  ].join('')
}

/** The page of one command, made from what it declares. `title` is its full name. */
export function commandHelp(command: Command, title: string, terminal?: number): string {
  const width = pageWidth(terminal)
  const options = [...describeOptions(command.options), ['-h, --help', 'print this page'] as const]
  const parts = [
    `${wrap(`${title}: ${command.summary}`, width).join('\n')}\n`,
    `Usage: ${usageLine(command, title)}\n`,
    `Options:\n${columns(options, width)}`,
  ]
  const examples = command.examples?.map(([line, what]) => `  ${line}\n      ${what}\n`)
  if (examples !== undefined) parts.push(`Examples:\n${examples.join('')}`)
  const notes = command.epilogue?.trimEnd().split('\n')
  if (notes !== undefined) parts.push(notes.map((note) => `${wrap(note, width).join('\n')}\n`).join(''))
  return parts.join('\n')
}

/** `netlab connect [host] [port] [OPTION…]` */
export function usageLine({ positionals = [] }: Command, title: string): string {
  const places = positionals.map(({ name, variadic }) => `[${name}${variadic === undefined ? '' : '…'}]`)
  return [title, ...places, '[OPTION…]'].join(' ')
}
