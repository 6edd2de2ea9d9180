import cliProgress from 'cli-progress'
import { drawing, terminalText } from '../base/terminal-door.ts'
import { type ProgressState, progressLine } from './progress.ts'

/**
 * The last line of a terminal as a progress bar, with room for other lines above it. It changes no setting of the
 * terminal, so nothing has to be put back when the process ends suddenly.
 */
export class ProgressBar {
  readonly #line: LastLine
  readonly #bar: cliProgress.SingleBar
  #state: ProgressState

  constructor(stream: NodeJS.WriteStream, first: ProgressState) {
    this.#state = first
    this.#line = new LastLine(drawing(stream))
    const options = {
      stream: drawing(stream),
      terminal: this.#line,
      clearOnComplete: true,
      fps: 10,
      format: () => progressLine(this.#state, this.#line.getWidth()),
    }
    this.#bar = new cliProgress.SingleBar(options)
    this.#bar.start(first.total, first.done)
  }

  /** Shown with the next drawing, at most ten times a second. `done` never goes back. */
  update(state: ProgressState): void {
    this.#state = { ...state, done: Math.max(state.done, this.#state.done) }
    this.#bar.update(this.#state.done)
  }

  /** A line above the bar, at once. */
  print(text: string): void {
    this.#line.above(text)
  }

  /** Takes the bar away while `write` puts whole lines on the same terminal by another way. */
  aside(write: () => void): void {
    this.#line.aside(write)
  }

  /** Takes the bar away, and lets other things be written where it was. */
  stop(): void {
    this.#bar.stop()
  }
}

/**
 * What cli-progress wants of a terminal. Its own saves the cursor's place at the start and goes back there at the end,
 * which would be the wrong line once anything was printed above the bar.
 */
class LastLine {
  readonly #stream: NodeJS.WriteStream
  #drawn = ''

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  above(text: string): void {
    this.#stream.write(`\r\x1b[K${terminalText(text)}\n${this.#drawn}`)
  }

  aside(write: () => void): void {
    this.#stream.write('\r\x1b[K')
    write()
    this.#stream.write(this.#drawn)
  }

  write(text: string): void {
    this.#drawn = text
    this.#stream.write(`\r${text}\x1b[K`)
  }

  clearLine(): void {
    this.#drawn = ''
    this.#stream.write('\r\x1b[K')
  }

  newline(): void {
    this.#stream.write('\n')
  }

  isTTY(): boolean {
    return this.#stream.isTTY === true
  }

  getWidth(): number {
    return this.#stream.columns || 80
  }

  /** `write` begins at the first column and clears the rest of the line by itself. */
  cursorTo(): void {}
  clearRight(): void {}
  cursor(): void {}
  cursorSave(): void {}
  cursorRestore(): void {}
  lineWrapping(): void {}
}
