import { harmless, localDay, localTime, nameInSentence, shownName } from '../text/said.ts'

/** Colours that are readable on light and on dark: red, green, yellow, blue, magenta, cyan and their bright ones without yellow. */
const colours = [31, 32, 33, 34, 35, 36, 91, 92, 94, 95, 96]

/** How a client writes; without colour everything is plain text. */
export interface ClientStyle {
  name(name: string, where?: 'line' | 'sentence'): string
  faint(text: string): string
  /** Local time of day. */
  time(at: number): string
  /** Local date. */
  day(at: number): string
}

/** What a person's own clock shows of UTC milliseconds. */
export interface LocalTime {
  /** `14:03` */
  time(at: number): string
  /** `2024-02-29` */
  day(at: number): string
}

export function clientStyle(colour: boolean, local: LocalTime): ClientStyle {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  return {
    name(name, where = 'line') {
      const shown = where === 'sentence' ? nameInSentence(harmless(name)) : shownName(harmless(name))
      return paint(colours[hash(name) % colours.length] ?? 0, shown)
    },
    faint: (text) => paint(2, text),
    time: (at) => paint(2, local.time(at)),
    day: (at) => local.day(at),
  }
}

/** The same name has the same colour everywhere, always (FNV-1a). */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0
  return value
}

/** In the time zone of this process. */
export const ownClock: LocalTime = { time: (at) => localTime(at).slice(0, 5), day: localDay }
