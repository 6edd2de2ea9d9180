import { attributes, escapeMarkup } from '../../base/markup.ts'
import { formatTime, grouped } from '../../terminal/format.ts'
import type { ScanTimeline } from '../timeline.ts'

const left = 60
const plot = { width: 600, height: 80 } as const
/** As fine as the clock is honest; a logarithm has no place for 0. */
const leastRttMs = 0.001

/** What one bar shows: a light one as high as `most`, and a full one in front of it. */
interface Bar {
  readonly value: number
  readonly most: number
  readonly says: string
}

/** The heights that an axis goes from and to, and what part of it a value takes. */
interface Axis {
  readonly from: number
  readonly to: number
  shareOf(value: number): number
}

function linear(to: number): Axis {
  return { from: 0, to, shareOf: (value) => value / to }
}

/** Whole powers of ten: a mean and a maximum a thousand times as large are both to be seen. */
function logarithmic(least: number, most: number): Axis {
  const from = Math.floor(Math.log10(least))
  const to = Math.max(Math.ceil(Math.log10(most)), from + 1)
  return { from: 10 ** from, to: 10 ** to, shareOf: (value) => (Math.log10(value) - from) / (to - from) }
}

/** Probes and answers a second, and round-trip times, over the time that the scan took. */
export function* renderTimeline({ intervalMs, intervals }: ScanTimeline): Generator<string> {
  if (intervals.length === 0) return
  const rate = (count: number): number => (count * 1000) / intervalMs
  const rates = intervals.map(({ probes, answers }): Bar | undefined => {
    if (probes === 0 && answers === 0) return undefined
    const says = `${grouped(Math.round(rate(probes)))} probes and ${grouped(Math.round(rate(answers)))} answers a second`
    return { value: rate(answers), most: Math.max(rate(probes), rate(answers)), says }
  })
  yield* chart('Answers and probes a second', intervalMs, rates, linear(highest(rates)))
  const times = intervals.map(({ rttMs, maxRttMs }): Bar | undefined => {
    if (rttMs === undefined || maxRttMs === undefined) return undefined
    const says = `${short(rttMs)} ms, at most ${short(maxRttMs)} ms`
    return { value: Math.max(rttMs, leastRttMs), most: Math.max(maxRttMs, leastRttMs), says }
  })
  if (times.every((bar) => bar === undefined)) return
  const least = Math.min(...times.map((bar) => bar?.value ?? Number.POSITIVE_INFINITY))
  yield* chart('Round-trip times in ms, mean and largest', intervalMs, times, logarithmic(least, highest(times)))
}

function highest(bars: readonly (Bar | undefined)[]): number {
  return Math.max(...bars.map((bar) => bar?.most ?? 0))
}

function* chart(title: string, intervalMs: number, bars: readonly (Bar | undefined)[], axis: Axis): Generator<string> {
  const step = plot.width / bars.length
  const box = `0 0 ${left + plot.width + 10} ${plot.height + 26}`
  yield `<h2>${escapeMarkup(title)}</h2>\n<svg${attributes({ viewBox: box, width: left + plot.width + 10, role: 'img', 'aria-label': title })}>\n`
  yield `<rect${attributes({ class: 'back', x: left, y: 8, width: plot.width, height: plot.height })}/>`
  yield `<text${attributes({ x: left - 6, y: 14, 'text-anchor': 'end' })}>${short(axis.to)}</text><text${attributes({ x: left - 6, y: plot.height + 8, 'text-anchor': 'end' })}>${short(axis.from)}</text>\n`
  for (const [index, bar] of bars.entries()) {
    if (bar === undefined) continue
    const begins = formatTime(index * intervalMs)
    const place = { x: fixed(left + index * step), width: fixed(Math.max(1, step - 0.5)) }
    yield `<g><title>${escapeMarkup(`after ${begins}: ${bar.says}`)}</title>`
    for (const [name, amount] of [
      ['most', bar.most],
      ['open', bar.value],
    ] as const) {
      const height = axis.shareOf(amount) * plot.height
      yield `<rect${attributes({ class: name, ...place, y: fixed(plot.height + 8 - height), height: fixed(height) })}/>`
    }
    yield '</g>\n'
  }
  yield `<text${attributes({ x: left, y: plot.height + 22 })}>0</text><text${attributes({ x: left + plot.width, y: plot.height + 22, 'text-anchor': 'end' })}>${formatTime(bars.length * intervalMs)}</text></svg>\n`
}

/** Three digits at least. */
function short(number: number): string {
  return number >= 10 ? grouped(Math.round(number)) : String(Number(number.toPrecision(3)))
}

function fixed(number: number): string {
  return number.toFixed(1)
}
