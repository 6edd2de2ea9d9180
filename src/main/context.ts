import { fstatSync, readFileSync } from 'node:fs'
import { isSea } from 'node:sea'
import { isatty } from 'node:tty'
import { systemClock } from '../base/clock.ts'
import { collectGarbage } from '../base/memory.ts'
import { guarded } from '../base/terminal-door.ts'
import type { StartThread } from '../base/threads.ts'
import { version } from '../base/version.ts'
import { printable } from '../base/visible.ts'
import type { CommandContext } from '../commands/command.ts'
import { mainLimits } from './limits.ts'
import { thisMachine } from './machine.ts'
import { endOnHangUp } from './output.ts'
import type { ProcessSignals } from './signals.ts'

/** What a command may use of this process. To be made once. */
export function createContext(startThread: StartThread, { signal, onReload }: ProcessSignals): CommandContext {
  const leaving: (() => void)[] = []
  process.once('exit', () => {
    for (const callback of leaving) {
      try {
        callback()
      } catch {
        // Too late to tell anyone, and the others must have their turn.
      }
    }
    // The process may hang for ever otherwise: it waits for V8's compiler threads, and one of them may wait for a garbage
    // collection, which this thread does no more (nodejs/node#54918). Right after one, none is due.
    collectGarbage()
  })
  let stdin: CommandContext['stdin'] | undefined
  return {
    // Opened when it is first read: most commands never do.
    get stdin() {
      stdin ??= process.stdin.on('error', onInputError)
      return stdin
    },
    stdinKind: stdinKind(),
    stdout: guarded(process.stdout, true),
    stderr: guarded(process.stderr, false),
    isDumb: process.env.TERM === 'dumb',
    environment: process.env,
    clock: systemClock,
    machine: thisMachine(version),
    startThread,
    ownCommand: isSea() ? [process.execPath] : [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    signal,
    onReload,
    enterFolder: (folder) => process.chdir(folder),
    interrupt: () => void process.emit('SIGINT', 'SIGINT'),
    // To the whole job, as the terminal would: a shell waits for all of it.
    suspend: () => void process.kill(0, 'SIGTSTP'),
    onContinue(callback) {
      process.on('SIGCONT', callback)
      return () => process.off('SIGCONT', callback)
    },
    isInForeground: () => stdinKind() === 'terminal',
    tellSupervisor: (state) => void tellSupervisor(state),
    onExit: (callback) => void leaving.push(callback),
  }
}

/** Who reads hears of it too, and says so; without a reader it is no reason to stop, unless the terminal is gone. */
function onInputError(error: NodeJS.ErrnoException): void {
  endOnHangUp(error, process.stdin)
}

function stdinKind(): CommandContext['stdinKind'] {
  const standardInput = 0
  try {
    const input = fstatSync(standardInput)
    if (isatty(standardInput)) return isInBackground(input.rdev) ? 'other' : 'terminal'
    return input.isFIFO() || input.isSocket() ? 'pipe' : 'other'
  } catch {
    return 'other'
  }
}

/**
 * A job in the background that reads from its terminal, which is `terminal` by the number of its device, or changes the mode
 * of that, is stopped by the system (SIGTTIN, SIGTTOU).
 */
function isInBackground(terminal: number): boolean {
  try {
    // After the name in parentheses: state, parent, group, session, terminal, its foreground group (proc_pid_stat(5)).
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return Number(fields[4]) === terminal && fields[2] !== fields[5]
  } catch {
    return false
  }
}

/**
 * Tells systemd, where it asked for it (sd_notify(3)), that a server is ready or has begun to stop. Through
 * systemd-notify(1), which comes with systemd: Node has no datagram sockets of the Unix kind.
 */
async function tellSupervisor(state: 'ready' | 'stopping'): Promise<void> {
  if ((process.env.NOTIFY_SOCKET ?? '') === '') return
  const { execFile } = await import('node:child_process')
  const words = [state === 'ready' ? 'READY=1' : 'STOPPING=1', `MAINPID=${process.pid}`]
  execFile('systemd-notify', words, { timeout: mainLimits.supervisorMs }, (error) => {
    if (error !== null && state === 'ready')
      process.stderr.write(`cannot tell systemd: ${printable(error.message.trim())}\n`)
  })
}
