import { fstatSync, readSync, statSync } from 'node:fs'
import { isatty } from 'node:tty'
import { type Clock, systemClock } from '../base/clock.ts'
import { ExitCode, errorCode } from '../base/errors.ts'
import { mainLimits } from './limits.ts'

export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

/** The terminal that a process was started on, where it was on one. */
export interface OwnTerminal {
  readonly state: 'none' | 'there' | 'gone'
  /** Its end is to mean nothing (nohup). */
  readonly ignored: boolean
}

/** What the signals of this process mean. */
export interface ProcessSignals {
  /** The root of all AbortSignals. */
  readonly signal: AbortSignal
  /** Once a command has said what a reload is, SIGHUP asks for one. */
  onReload(callback: () => void): void
}

/**
 * The first SIGINT or SIGTERM aborts with the signal's name as the reason; a second one calls `force`, because whatever is going
 * on did not end. SIGHUP has two meanings. A terminal that goes away sends it several times, by the kernel, by the shell, and by
 * whoever reads or writes there: the first one aborts, and no other forces anything. Administrators and systemd send it to have
 * files read again: that it is to a command that can do so, while the terminal is there. Some shells and terminals send it just
 * before they go, so a terminal is looked at once more a moment later.
 */
export function followSignals(
  source: SignalSource,
  clock: Clock,
  terminal: () => OwnTerminal,
  force: (exit: ExitCode) => void,
): ProcessSignals {
  const controller = new AbortController()
  let firstAt = 0
  let reload: (() => void) | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      firstAt = clock.monotonic()
      controller.abort(signal)
    } else if (signal !== 'SIGHUP' && clock.monotonic() - firstAt >= mainLimits.sameSignalMs) force(signalExit(signal))
  }
  const onHangUp = (signal: NodeJS.Signals) => {
    const { state, ignored } = terminal()
    if (!ignored && (reload === undefined || state === 'gone')) return onSignal(signal)
    if (controller.signal.aborted) return
    reload?.()
    if (ignored || state === 'none') return
    const look = () => void (terminal().state === 'gone' && onSignal(signal))
    clock.after(mainLimits.hangUpMs, look, { background: true })
  }
  source.on('SIGINT', onSignal)
  source.on('SIGTERM', onSignal)
  source.on('SIGHUP', onHangUp)
  return {
    signal: controller.signal,
    onReload: (callback) => {
      reload = callback
    },
  }
}

/**
 * The same for the signals of this process; to be called once. SIGUSR1 and SIGUSR2 are heard and mean nothing: Node takes the
 * first one for a wish to be debugged by whoever can connect, and the second one would end it. Log rotation sends them to have the
 * log opened again, which happens by itself before each batch of lines.
 */
export function processSignals(): ProcessSignals {
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)
  return followSignals(process, systemClock, watchTerminal(), (exit) => process.exit(exit))
}

/** A terminal that is gone is none any more to whoever has it open. On Windows SIGHUP is sent by that alone. */
function watchTerminal(): () => OwnTerminal {
  const standardStreams = [0, 1, 2].filter((descriptor) => isatty(descriptor))
  return () => {
    if (process.platform === 'win32') return { state: 'gone', ignored: false }
    if (standardStreams.length === 0) return { state: 'none', ignored: underNohup() }
    const isThere = standardStreams.some((descriptor) => isatty(descriptor))
    return { state: isThere ? 'there' : 'gone', ignored: underNohup() }
  }
}

/**
 * Whether `nohup` started us. That SIGHUP is ignored then is undone by Node before any of our code runs; but GNU's nohup also
 * puts a null device that cannot be read in the place of a terminal.
 */
function underNohup(): boolean {
  try {
    if (fstatSync(0).rdev === statSync('/dev/null').rdev) readSync(0, Buffer.alloc(1))
    return false
  } catch (error) {
    return errorCode(error) === 'EBADF'
  }
}

/** What a shell expects of a program that a signal ended. SIGHUP asks for the same as SIGTERM. */
export function signalExit(signal: unknown): ExitCode {
  return signal === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated
}
