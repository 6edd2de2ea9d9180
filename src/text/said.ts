import { textLimits } from './limits.ts'
import { checkName } from './names.ts'

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

const stacked = new RegExp(`(\\p{M}{${textLimits.marksPerLetter}})\\p{M}+`, 'gu')

function visibleSign(control: string): string {
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
    .replace(controls, visibleSign)
    .replace(reordering, '')
    .normalize('NFC')
    .replace(stacked, '$1')
}

/** What became of a text that somebody wants to say. */
export type TextCheck =
  | { readonly kind: 'good'; readonly text: string }
  | { readonly kind: 'bad'; readonly why: 'empty' | 'long' }

/**
 * What somebody wants to say, made harmless; white space at the ends is gone. 'empty' when nothing is left, 'long' above
 * `maxBytes` of UTF-8.
 */
export function cleanText(said: string, maxBytes: number): TextCheck {
  // A character has at most 3 bytes per UTF-16 unit, so a long text is refused before it is worked on.
  if (said.length > maxBytes) return { kind: 'bad', why: 'long' }
  const text = harmless(said).trim()
  if (text === '') return { kind: 'bad', why: 'empty' }
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) return { kind: 'bad', why: 'long' }
  return { kind: 'good', text }
}

/** Stands before the name of an operator, and in no name. */
export const operatorMark = '@'

/**
 * A name as a line has it, in quotes where it could be taken for more than a name: one that was registered before `checkName`
 * refused `Ada: hello`, or comes from a peer that checks nothing. Who speaks for the server has a name longer than any.
 */
export function shownName(name: string): string {
  const check = checkName(name)
  return check.kind === 'good' || check.why === 'long' ? name : quoted(name)
}

/** The same inside a sentence, where a name of several words (`Ada waves`) needs quotes too. */
export function nameInSentence(name: string): string {
  return name.includes(' ') && checkName(name).kind === 'good' ? quoted(name) : shownName(name)
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', "'")}"`
}

/** One line of a conversation: `14:03:59 #lobby alice: hello`, or `14:03:59 * alice waves` for what is done. */
export function saidLine(said: {
  readonly time: string
  /** Undefined where only one room is shown. */
  readonly room?: string | undefined
  /** As `shownName` has it, or `nameInSentence` for an action; styled, if at all. */
  readonly from: string
  /** Who says it is an operator. */
  readonly operator?: boolean | undefined
  readonly text: string
  /** Said with /me. */
  readonly action?: boolean | undefined
}): string {
  const where = said.room === undefined ? '' : ` #${said.room}`
  const from = `${said.operator === true ? operatorMark : ''}${said.from}`
  return `${said.time}${where} ${said.action === true ? `* ${from} ` : `${from}: `}${said.text}`
}

/** `14:03:59` of UTC milliseconds: the same for everybody, wherever they are. */
export function utcTime(at: number): string {
  const seconds = Math.floor(at / 1000) % 86_400
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}

/** `2024-02-29` of UTC milliseconds. */
export function utcDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** `14:03:59` in the time zone of this process. */
export function localTime(at: number): string {
  return new Date(at).toTimeString().slice(0, 8)
}

/** `2024-02-29` in the time zone of this process. */
export function localDay(at: number): string {
  const date = new Date(at)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

function two(value: number): string {
  return value < 10 ? `0${value}` : `${value}`
}
