import { fstatSync, readSync, statSync } from 'node:fs'
import { type Clock, systemClock } from '../base/clock.ts'
import { ExitCode, errorCode } from '../base/errors.ts'
import { mainLimits } from './limits.ts'

export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

/**
 * The root of all AbortSignals: the first SIGINT, SIGTERM or SIGHUP aborts it with the signal's name as the reason, a
 * second one calls `force`, because whatever is going on did not end. Not SIGHUP: a terminal that goes away says so several
 * times, by the kernel, by the shell, and by whoever reads or writes there.
 */
export function abortOnSignals(source: SignalSource, clock: Clock, force: (exit: ExitCode) => void): AbortSignal {
  const controller = new AbortController()
  let firstAt = 0
  const onSignal = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      firstAt = clock.monotonic()
      controller.abort(signal)
    } else if (signal !== 'SIGHUP' && clock.monotonic() - firstAt >= mainLimits.sameSignalMs) force(signalExit(signal))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) source.on(signal, onSignal)
  return controller.signal
}

/**
 * The same for the signals of this process; to be called once. SIGUSR1 and SIGUSR2 are heard and mean nothing: Node takes the
 * first one for a wish to be debugged by whoever can connect, and the second one would end it. Log rotation sends them to have the
 * log opened again, which happens by itself before each batch of lines.
 */
export function processSignal(): AbortSignal {
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)
  const source: SignalSource = {
    on: (signal, listener) =>
      process.on(signal, () => {
        if (signal !== 'SIGHUP' || !underNohup()) listener(signal)
      }),
  }
  return abortOnSignals(source, systemClock, (exit) => process.exit(exit))
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
