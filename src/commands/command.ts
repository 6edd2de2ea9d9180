import type { Clock } from '../base/clock.ts'
import type { ExitCode } from '../base/errors.ts'
import type { StartThread } from '../base/threads.ts'
import type { AskStreams } from '../options/ask.ts'
import type { Ask } from '../options/resolve.ts'
import type { OptionSpecs, Values } from '../options/spec.ts'

/** What a command may know of the machine and of the process it runs in. */
export interface Machine {
  readonly pid: number
  readonly version: string
  readonly cores: number
  /** File descriptors that this process may still open. */
  freeDescriptors(): number
  /** Addresses that this process may reserve, used or not, in bytes (`ulimit -v`). */
  addressSpaceBytes(): number
  /** Memory that the system gives this process; infinite where nothing bounds it. */
  memoryBytes(): number
  /** Memory of the whole process in bytes. */
  residentBytes(): number
  /** Addresses by which other machines may reach this one. */
  addresses(): readonly string[]
  /** Who listens on a TCP port, such as `python3 (pid 4711)`; undefined where the system doesn't tell. */
  portHolder(port: number): string | undefined
}

/** What a command may use of the process. Only `main` makes one; tests make their own. */
export interface CommandContext {
  readonly stdin: NodeJS.ReadStream
  /** Who may be at the other end of stdin: a person, a program, or nobody who would type (a file, /dev/null, the terminal of a job in the background). */
  readonly stdinKind: 'terminal' | 'pipe' | 'other'
  /** The answer. */
  readonly stdout: NodeJS.WriteStream
  /** Diagnostics: progress, events, errors. */
  readonly stderr: NodeJS.WriteStream
  /** The terminal obeys no control sequences (TERM=dumb): lines only. */
  readonly isDumb: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly machine: Machine
  readonly startThread: StartThread
  /** Words that start this netlab anew, in a process of its own. */
  readonly ownCommand: readonly string[]
  /** Aborted by the first SIGINT or SIGTERM; `reason` is then the signal's name. The second one ends the process in `main`. */
  readonly signal: AbortSignal
  /**
   * From now on SIGHUP is a wish to read files again, with which it calls back, and no longer one to end; unless the terminal is
   * gone on which this process was started.
   */
  onReload(callback: () => void): void
  /** Goes there with the whole process: what has a path that is too long has a short name then. @throws the system's error. */
  enterFolder(folder: string): void
  /** Does what Ctrl-C does, where a line editor has taken that key from the terminal. */
  interrupt(): void
  /** Does what Ctrl-Z does, where that key was taken from the terminal: stops this job, until its shell lets it go on. */
  suspend(): void
  /** Calls back whenever the process goes on after it was stopped (SIGCONT), until the returned function is called. */
  onContinue(callback: () => void): () => void
  /** Whether its terminal is its own: in the background (`bg`) the system stops who reads there, or changes its mode. */
  isInForeground(): boolean
  /** Tells whoever supervises services on this machine, such as systemd, how far a server is; nothing where nobody does. */
  tellSupervisor(state: 'ready' | 'stopping'): void
  /**
   * Calls back once, synchronously, on every way out of the process: a normal end, a forced one, a bug. Nothing
   * asynchronous happens after it. For what must not be lost, such as the log.
   */
  onExit(callback: () => void): void
}

/**
 * Where questions are asked: on stderr, so that `netlab scan > ports.txt` may still ask. Undefined when nobody is there to
 * answer: without a terminal, and in the background, where the system would stop a process that reads from its terminal.
 */
export function askStreams(context: CommandContext): AskStreams | undefined {
  const { stdinKind, stderr, signal, isDumb } = context
  if (stdinKind !== 'terminal' || stderr.isTTY !== true) return undefined
  // `stdin` is opened by the first look at it.
  return { input: context.stdin, output: stderr, signal, isDumb }
}

/** Asks a person; undefined when nobody is there. */
export function askOnTerminal(context: CommandContext): Ask | undefined {
  const streams = askStreams(context)
  if (streams === undefined) return undefined
  return async (question, spec) => {
    const { asker } = await import('../options/ask.ts')
    return asker(streams)(question, spec)
  }
}

/** A positional argument, parsed and asked for like an option. `variadic` collects the rest as one text, joined by that. */
export interface Positional {
  readonly name: string
  readonly variadic?: ',' | '\0'
}

/** A leaf of the command tree: `netlab scan`, `netlab serve echo`. */
export interface Command<S extends OptionSpecs = OptionSpecs> {
  readonly name: string
  /** One line for the help. */
  readonly summary: string
  /** Options that may also be given by position, in order; each names an entry of `options`. */
  readonly positionals?: readonly Positional[]
  readonly options: S
  /** Shown at the end of `--help`. */
  readonly epilogue?: string
  /** Example command lines with what they do. */
  readonly examples?: readonly (readonly [commandLine: string, what: string])[]
  run(values: Values<S>, context: CommandContext): Promise<ExitCode>
}

/** Checks a command and keeps the types of its options. */
export function defineCommand<const S extends OptionSpecs>(command: Command<S>): Command<S> {
  return command
}

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
  /** Several of them as one command, such as `netlab serve ident auth`. @throws {UsageError} where they can't be one. */
  together?(names: readonly string[]): Promise<CommandLeaf>
}

export type CommandNode = CommandLeaf | CommandGroup

/** A leaf for a command that is loaded already. */
export function loaded(command: Command): CommandLeaf {
  return { name: command.name, summary: command.summary, load: async () => command }
}
