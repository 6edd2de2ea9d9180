import { limits } from '../base/limits.ts'
import { Refusal } from './refusal.ts'

/** Nothing in it needs a second look: printable ASCII, the common case. */
const plain = /^[ -~]*$/

/** C0 and C1 controls, DEL, line and paragraph separators. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/**
 * Bidirectional embeddings, overrides and isolates (Unicode TR 9), which reorder what follows them on the line, names and
 * times included; and characters that show nothing: zero-width space, word joiner, byte order mark, the old language tag.
 * Marks that only hint (LRM, RLM) and joiners that scripts and emoji need stay.
 */
const reordering = /[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\u{e0001}]/gu

const stacked = new RegExp(`(\\p{M}{${limits.chatMarksCount}})\\p{M}+`, 'gu')

function visible(control: string): string {
  const code = control.charCodeAt(0)
  if (code === 0x09) return ' '
  if (code === 0x0a || code === 0x0d || code >= 0x2028) return '\u23ce'
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === 0x7f ? '\u2421' : '\ufffd'
}

/**
 * Text that can do nothing but be read: control characters become visible signs (ESC is ␛), line ends become ⏎, what
 * reorders or hides is removed, and at most four combining marks stay on a letter. Well-formed Unicode, NFC.
 */
export function harmless(text: string): string {
  if (plain.test(text)) return text
  return text
    .toWellFormed()
    .replace(/\r\n/g, '\n')
    .replace(controls, visible)
    .replace(reordering, '')
    .normalize('NFC')
    .replace(stacked, '$1')
}

/**
 * What somebody wants to say, made harmless; white space at the ends is gone.
 * @throws {Refusal} EMPTY when nothing is left, TOO_LONG above `maxBytes` of UTF-8
 */
export function cleanText(text: string, maxBytes: number = limits.chatTextBytes): string {
  // A character has at most 3 bytes per UTF-16 unit, so a long text is refused before it is worked on.
  if (text.length > maxBytes) throw tooLong(maxBytes)
  const clean = harmless(text).trim()
  if (clean === '') throw new Refusal('EMPTY', 'there is nothing in this message')
  if (clean.length * 3 > maxBytes && Buffer.byteLength(clean) > maxBytes) throw tooLong(maxBytes)
  return clean
}

function tooLong(maxBytes: number): Refusal {
  return new Refusal('TOO_LONG', `a text may have at most ${maxBytes} bytes here`)
}
