import type { Ora } from 'ora'
import type { Clock } from '../base/clock.ts'
import { drawing, terminalText } from '../base/terminal-door.ts'
import { grouped } from './format.ts'
import { terminalLimits } from './limits.ts'

/** How far something has come, for a person. */
export interface ProgressState {
  readonly done: number
  readonly total: number
  /** Per second. */
  readonly rate: number
  readonly etaMs?: number
  /** What has been found so far, most important first: `3 open`, `12 filtered`. */
  readonly found: readonly string[]
}

const count = (value: number): string => grouped(Math.round(value))

/** Whole percent, rounded down, so that 100 % means that nothing is left. */
export function percent({ done, total }: Pick<ProgressState, 'done' | 'total'>): number {
  return total === 0 ? 100 : Math.floor((Math.min(done, total) * 100) / total)
}

/** `8s`, `3m05s`, `2h07m`. */
export function shortTime(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
  return `${Math.floor(seconds / 3600)}h${two((seconds % 3600) / 60)}m`
}

/** One line of at most `columns - 1` characters: what matters least is left out first, and the bar takes what is left. */
export function progressLine(state: ProgressState, columns: number): string {
  const room = Math.max(1, columns - 1)
  const head = `${String(percent(state)).padStart(3)}%`
  const eta = state.etaMs === undefined || state.done >= state.total ? '' : `ETA ${shortTime(state.etaMs)}`
  // In order of importance; shown in the order of the line.
  const pieces = [
    { text: state.found[0] ?? '', place: 3 },
    { text: eta, place: 2 },
    { text: `${count(state.done)}/${count(state.total)}`, place: 0 },
    { text: state.found.slice(1).join('  '), place: 4 },
    { text: state.rate > 0 ? `${count(state.rate)}/s` : '', place: 1 },
  ].filter(({ text }) => text !== '')
  let width = head.length
  const fitting = pieces.filter(({ text }) => {
    const fits = width + 2 + text.length <= room
    if (fits) width += 2 + text.length
    return fits
  })
  const texts = fitting.sort((a, b) => a.place - b.place).map(({ text }) => text)
  return [bar(state, room - width), head, ...texts]
    .filter((text) => text !== '')
    .join('  ')
    .slice(0, room)
}

/** A bar with its two blanks in at most `room` characters; none when there is no room for a useful one. */
function bar({ done, total }: ProgressState, room: number): string {
  const length = Math.min(terminalLimits.barColumns, room - 4)
  if (length < terminalLimits.minBarColumns) return ''
  const full = total === 0 ? length : Math.floor((Math.min(done, total) / total) * length)
  return `[${'='.repeat(full)}${'-'.repeat(length - full)}]`
}

/** Something is going on that may take a while. */
export interface Spinner {
  /** A line above it. */
  print(text: string): void
  /** What is going on now. */
  say(text: string): void
  stop(): void
}

/** Shows `text` with a spinner on a terminal once it has taken a moment. */
export function startSpinner(stream: NodeJS.WriteStream, text: string, clock: Clock): Spinner {
  let stopped = false
  let said = terminalText(text)
  let spinner: Ora | undefined
  const show = async (): Promise<void> => {
    const { default: ora } = await import('ora')
    // stdin is left alone: a scan has keys of its own, and Ctrl-C must stay a signal.
    if (!stopped)
      spinner = ora({
        text: said,
        stream: drawing(stream),
        discardStdin: false,
        hideCursor: false,
      }).start()
  }
  const timer = clock.after(terminalLimits.spinnerDelayMs, () => void show())
  return {
    print(line) {
      spinner?.clear()
      stream.write(`${line}\n`)
      spinner?.render()
    },
    say(now) {
      said = terminalText(now)
      if (spinner !== undefined) spinner.text = said
    },
    stop() {
      stopped = true
      timer.cancel()
      spinner?.stop()
    },
  }
}
