import type { Clock } from '../../base/clock.ts'
import { grouped } from '../../terminal/format.ts'
import { type ProgressState, percent, type Spinner, shortTime, startSpinner } from '../../terminal/progress.ts'
import type { ProgressBar } from '../../terminal/progress-bar.ts'
import type { CommandContext } from '../command.ts'
import { commandLimits } from '../limits.ts'

/** All that a scan says on stderr: sentences, ports as they are found, and on a terminal a bar below them. */
export class ScanView {
  readonly #stderr: NodeJS.WriteStream
  readonly #quiet: boolean
  /** There is a terminal to draw on. */
  readonly #draws: boolean
  #bar: ProgressBar | undefined
  #spinner: Spinner | undefined
  /** Makes what stands below the sentences, the bar or the spinner. */
  #stand: (() => void) | undefined
  /** The terminal is the shell's for now. */
  #isAway = false
  #state: ProgressState | undefined

  constructor({ stderr, isDumb }: Pick<CommandContext, 'stderr' | 'isDumb'>, quiet: boolean) {
    this.#stderr = stderr
    this.#quiet = quiet
    this.#draws = !quiet && stderr.isTTY === true && !isDumb
  }

  /** Shows that something takes a while, until `close` or `start`. */
  spin(text: string, clock: Clock): void {
    this.close()
    this.#put(() => {
      this.#spinner = startSpinner(this.#stderr, text, clock)
    })
  }

  /** Begins to show progress, where there is a terminal to show it on. */
  async start(first: ProgressState): Promise<void> {
    this.close()
    if (!this.#draws) return
    const { ProgressBar } = await import('../../terminal/progress-bar.ts')
    this.#state = first
    this.#put(() => {
      this.#bar = new ProgressBar(this.#stderr, this.#state ?? first)
    })
  }

  progress(state: ProgressState): void {
    this.#state = state
    this.#bar?.update(state)
  }

  /** Leaves the terminal to somebody else, until `comeBack`. */
  goAway(): void {
    this.#isAway = true
    this.#remove()
  }

  comeBack(): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#stand?.()
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
    this.#stand = undefined
    this.#remove()
  }

  #put(stand: () => void): void {
    if (!this.#draws) return
    this.#stand = stand
    if (!this.#isAway) stand()
  }

  #remove(): void {
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

/**
 * Listens for single keys on a terminal until the returned function is called; elsewhere does nothing. The terminal goes to
 * the shell and comes back with the job, in whatever way it was stopped: by Ctrl-Z, which is a key then, or by a signal.
 */
export function listenKeys(context: CommandContext, view: ScanView, actions: KeyActions): () => void {
  const { stdin, stdinKind, stderr, clock, interrupt, suspend, onContinue, isInForeground } = context
  if (stdinKind !== 'terminal' || stderr.isTTY !== true) return () => {}
  let isOver = false
  const goOn = (): void => {
    if (isOver) return
    if (!isInForeground()) {
      stdin.pause()
      view.goAway()
      // A job that runs hears nothing when `fg` gives it the terminal.
      clock.after(commandLimits.foregroundMs, goOn, { background: true })
      return
    }
    // A shell has put the terminal into its own mode, which Node doesn't know.
    stdin.setRawMode(false)
    stdin.setRawMode(true)
    stdin.resume()
    view.comeBack()
  }
  const stop = (): void => {
    view.goAway()
    stdin.setRawMode(false)
    suspend()
    // Where no shell can wake the job it is not stopped.
    clock.after(commandLimits.suspendMs, goOn)
  }
  const onKeys = (keys: Buffer | string): void => {
    for (const key of keys.toString()) {
      if (key === ' ') actions.status()
      else if (key === 'q' || key === 'Q') actions.quit()
      else if (key === '\x03') interrupt()
      else if (key === '\x1a') stop()
    }
  }
  const forget = onContinue(goOn)
  stdin.setRawMode(true)
  stdin.on('data', onKeys)
  stdin.resume()
  return () => {
    isOver = true
    forget()
    stdin.off('data', onKeys)
    if (isInForeground()) stdin.setRawMode(false)
    stdin.pause()
  }
}
