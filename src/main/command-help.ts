import type { Command } from '../commands/command.ts'
import { columns, describeOptions, wrap } from '../options/help.ts'
import { pageWidth } from './help.ts'

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
  const places = positionals.map(({ name, variadic }) => `[${name}${variadic === true ? '…' : ''}]`)
  return [title, ...places, '[OPTION…]'].join(' ')
}
