import { version } from '../base/version.ts'
import type { CommandNode } from '../commands/command.ts'
import { columns } from '../options/help.ts'

/** Lines longer than this are hard to read, however wide the terminal is. */
const widest = 100

/** As wide as the terminal, within reason; 80 off a terminal. */
export function pageWidth(terminal: number | undefined): number {
  return Math.min(terminal === undefined || terminal < 40 ? 80 : terminal, widest)
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
