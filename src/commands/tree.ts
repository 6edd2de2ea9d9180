import type { Command } from './command.ts'

/** A command that can be named and summed up without loading it. */
export interface CommandLeaf {
  readonly name: string
  /** One line for the help. */
  readonly summary: string
  load(): Promise<Command>
}

/** A word that stands before other commands, as `serve` in `netlab serve echo`. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  children(): Promise<readonly CommandNode[]>
  /** One of them, where that is less work than all. */
  child?(name: string): Promise<CommandNode | undefined>
}

export type CommandNode = CommandLeaf | CommandGroup

/** A leaf for a command that is loaded already. */
export function loaded(command: Command): CommandLeaf {
  return { name: command.name, summary: command.summary, load: async () => command }
}
