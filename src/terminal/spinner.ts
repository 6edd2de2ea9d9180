import type { Ora } from 'ora'
import type { Clock } from '../base/clock.ts'

/** Something is going on that may take a while. */
export interface Spinner {
  /** A line above it. */
  print(text: string): void
  stop(): void
}

/** Short waits show nothing: a spinner that flashes up is only noise. */
const patienceMs = 250

/** Shows `text` with a spinner on a terminal once it has taken a moment; elsewhere nothing. */
export function startSpinner(stream: NodeJS.WriteStream, text: string, clock: Clock): Spinner {
  let stopped = stream.isTTY !== true
  let spinner: Ora | undefined
  const show = async (): Promise<void> => {
    const { default: ora } = await import('ora')
    // stdin is left alone: a scan has keys of its own, and Ctrl-C must stay a signal.
    if (!stopped) spinner = ora({ text, stream, discardStdin: false, hideCursor: false }).start()
  }
  const timer = stopped ? undefined : clock.after(patienceMs, () => void show())
  return {
    print(line) {
      spinner?.clear()
      stream.write(`${line}\n`)
      spinner?.render()
    },
    stop() {
      stopped = true
      timer?.cancel()
      spinner?.stop()
    },
  }
}
