import type { Clock } from '../../base/clock.ts'
import { grouped } from '../../terminal/format.ts'
import { type ProgressState, percent, type Spinner, shortTime, startSpinner } from '../../terminal/progress.ts'
import type { ProgressBar } from '../../terminal/progress-bar.ts'
import type { CommandContext } from '../command.ts'

/** All that a scan says on stderr: sentences, ports as they are found, and on a terminal a bar below them. */
export class ScanView {
  readonly #stderr: NodeJS.WriteStream
  readonly #quiet: boolean
  #bar: ProgressBar | undefined
  #spinner: Spinner | undefined

  constructor(stderr: NodeJS.WriteStream, quiet: boolean) {
    this.#stderr = stderr
    this.#quiet = quiet
  }

  /** Shows that something takes a while, until `close` or `start`. */
  spin(text: string, clock: Clock): void {
    this.close()
    if (!this.#quiet) this.#spinner = startSpinner(this.#stderr, text, clock)
  }

  /** Begins to show progress, where there is a terminal to show it on. */
  async start(first: ProgressState): Promise<void> {
    this.close()
    if (this.#quiet || this.#stderr.isTTY !== true) return
    const { ProgressBar } = await import('../../terminal/progress-bar.ts')
    this.#bar = new ProgressBar(this.#stderr, first)
  }

  progress(state: ProgressState): void {
    this.#bar?.update(state)
  }

  /** Something worth knowing; not said when the person wants quiet. */
  say(sentence: string): void {
    if (!this.#quiet) this.warn(sentence)
  }

  /** Something that went wrong, or was asked for. */
  warn(sentence: string): void {
    const below = this.#bar ?? this.#spinner
    if (below === undefined) this.#stderr.write(`${sentence}\n`)
    else below.print(sentence)
  }

  /** How far the scan is, as a line that stays. */
  status(state: ProgressState): void {
    const left = state.etaMs === undefined ? '' : `, about ${shortTime(state.etaMs)} left`
    const done = `${grouped(state.done)} of ${grouped(state.total)} ports`
    this.warn(`${percent(state)}%: ${done}, ${state.found.join(', ')}, ${Math.round(state.rate)} probes/s${left}`)
  }

  /** Lets something else write to the terminal without the bar in between. */
  aside(write: () => void): void {
    if (this.#bar === undefined) write()
    else this.#bar.aside(write)
  }

  close(): void {
    this.#bar?.stop()
    this.#spinner?.stop()
    this.#bar = undefined
    this.#spinner = undefined
  }
}

export interface KeyActions {
  /** `space` */
  status(): void
  /** `q` */
  quit(): void
}

/** Listens for single keys on a terminal until the returned function is called; elsewhere does nothing. */
export function listenKeys(context: CommandContext, actions: KeyActions): () => void {
  const { stdin, stdinKind, stderr, interrupt } = context
  if (stdinKind !== 'terminal' || stderr.isTTY !== true) return () => {}
  const onKeys = (keys: Buffer | string): void => {
    for (const key of keys.toString()) {
      if (key === ' ') actions.status()
      else if (key === 'q' || key === 'Q') actions.quit()
      else if (key === '\x03') interrupt()
    }
  }
  stdin.setRawMode(true)
  stdin.on('data', onKeys)
  stdin.resume()
  return () => {
    stdin.off('data', onKeys)
    stdin.setRawMode(false)
    stdin.pause()
  }
}
