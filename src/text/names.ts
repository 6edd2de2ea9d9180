import { textLimits } from './limits.ts'

/** What became of a text that was given as a person's name. */
export type NameCheck =
  | { readonly kind: 'good'; readonly name: string; readonly key: string }
  | { readonly kind: 'bad'; readonly why: NameFault }

export type NameFault =
  | 'empty'
  | 'long'
  | 'control'
  | 'space'
  | 'mark'
  | 'reserved'
  | 'encoding'
  | 'sign'
  | 'letterless'
  | 'scripts'
  | 'title'

/** What a person is told; none repeats the name, which might be a password typed too early. */
export const nameFaults: Readonly<Record<NameFault, string>> = {
  empty: 'A name has at least one character.',
  long: `A name has at most ${textLimits.personNameCodePoints} characters.`,
  control: 'A name has no control characters and nothing invisible.',
  space: 'A name neither starts nor ends with a space, and has only single plain spaces inside.',
  mark: `A name does not start with a combining mark, and has at most ${textLimits.marksPerLetter} different ones on a letter.`,
  reserved: 'That word is a command and cannot be a name.',
  encoding: 'That name did not arrive as UTF-8; set your terminal or client to UTF-8.',
  sign: "A name has letters, digits and emoji, single spaces, and . _ - ' inside; it neither starts nor ends with one of these.",
  letterless: 'A name has at least one letter or emoji.',
  scripts: 'A name does not mix letters of different scripts, such as Latin and Cyrillic ones, which look alike.',
  title: 'A name has no word that stands for the server, its operator or yourself.',
}

/** A person on a text line could never log in under these: the line would be taken for the command, `resume` with its token. */
const reserved = /^(?:exit$|resume(?: |$))/

/** Most names by far: normalising changes nothing about them, and they break no rule of `checkName` but that of titles. */
const plainName = /^(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9._'-]| (?! ))*(?<=[A-Za-z0-9])$/

const ascii = /^[ -~]*$/

/**
 * Checks what was typed as the name of a person who may have it already: what anybody could ever register, with the rule before
 * `checkName` too. The result is in Unicode normal form C; `key` is equal for names that differ only in case or in presentation
 * (width, ligatures, superscripts).
 */
export function checkKnownName(typed: string): NameCheck {
  // NFC never makes a text more than three times longer or shorter (UAX #15), so this bounds the work on a huge text.
  if (typed.length > textLimits.personNameCodePoints * 16) return bad('long')
  if (plainName.test(typed) && typed.length <= textLimits.personNameCodePoints) return good(typed)
  const name = typed.normalize('NFC')
  if (name === '') return bad('empty')
  // What stands for bytes that are no UTF-8: any two of them would be the same name.
  if (name.includes('\ufffd')) return bad('encoding')
  // Controls, formats (bidirectional ones too), surrogates, private and unassigned code points, line separators, fillers.
  if (/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(name)) return bad('control')
  if (/^ | $| {2}|(?! )\p{Zs}/u.test(name)) return bad('space')
  if (/^\p{M}/u.test(name)) return bad('mark')
  if ([...name].length > textLimits.personNameCodePoints) return bad('long')
  return good(name)
}

/**
 * Checks what was typed as a new name, for an account, a host or a member of a chat: it can neither be taken for another part of
 * a line nor for who speaks on the server's behalf, and nothing in it is unseen. Whether it looks like a name that somebody
 * has is for `look-alikes`.
 */
export function checkName(typed: string): NameCheck {
  const check = checkKnownName(typed)
  if (check.kind === 'bad') return check
  const { name, key } = check
  if (!plainName.test(name)) {
    if (invisible.test(name)) return bad('control')
    if (tooManyMarks(name)) return bad('mark')
    if (!composed.test(name) || looksLikeSign.test(name)) return bad('sign')
    if (!/[\p{L}\p{Emoji_Presentation}]/u.test(name)) return bad('letterless')
    if (!isOfOneScript(name)) return bad('scripts')
  }
  return key === 'you' || key.split(/[^\p{L}\p{M}]+/u).some((word) => titles.has(word)) ? bad('title') : check
}

/** Who speaks, or is spoken of, in lines of the server, the relay and the clients. */
export const titles: ReadonlySet<string> = new Set(['operator', 'operators', 'server', 'netlab', 'relay', 'console'])

/**
 * Letters, decimal digits and emoji; spaces and a few signs only between them. All else is left to lines, which have `:` after who
 * speaks, commas in lists, `(…)`, `*`, `!`, `#`, `"`, `>` and, before an operator, `@`.
 */
const composed =
  /^[\p{L}\p{Nd}\p{Emoji_Presentation}](?:[\p{L}\p{Nd}\p{Mn}\p{Mc}\p{Emoji_Presentation} ._'’-]*[\p{L}\p{Nd}\p{Mn}\p{Mc}\p{Emoji_Presentation}])?$/u

/**
 * Letters and emoji that look like the signs of a line: clicks, modifier letters (but ʻ and ʼ), Lisu tones, a Tifinagh letter, a
 * middle dot; visargas before a space, where nothing tells them from a colon; question and exclamation marks, plus and minus.
 * From the table of UTS 39, and emoji by eye.
 */
const looksLikeSign =
  /[\u01c0-\u01c3\u02b0-\u02ba\u02bd-\u02ff\u2d51\ua4f8-\ua4fd\ua78f\u2753-\u2755\u2757\u2795-\u2797]|[\u0903\u0a83] /u

/** What shows nothing in spite of its category: the blanks of Braille and hieroglyphs, a joiner of Tifinagh, a null note head. */
const invisible = /[\u2800\u2d7f\u{13441}\u{13442}\u{1d159}]/u

/** Marks that living scripts stack, each once; UTS 39 5.4 has both rules. */
function tooManyMarks(name: string): boolean {
  return stackedMarks.test(name.normalize('NFD'))
}

const stackedMarks = new RegExp(`\\p{M}{${textLimits.marksPerLetter + 1}}|(\\p{Mn})\\1|\\p{Me}`, 'u')

/** Scripts in which languages of today are written: the recommended and the limited-use ones of UAX 31, tables 5 and 7. */
const scripts =
  'Adlm Arab Armn Bali Bamu Batk Beng Cakm Cans Cham Cher Cyrl Deva Ethi Geor Grek Gujr Guru Hang Hani Hebr Hmnp Java Kali Khmr Knda Lana Laoo Latn Lepc Limb Lisu Mand Mlym Mtei Mymr Newa Nkoo Olck Orya Osge Plrd Rohg Saur Sinh Sund Sylo Syrc Tale Talu Taml Tavt Telu Tfng Thaa Thai Tibt Vaii Wcho Yiii'.split(
    ' ',
  )

/** Those that are written together (UTS 39 5.2, highly restrictive): nothing in one looks like anything in another. */
const writtenTogether = [
  ['Latn', 'Hani', 'Hira', 'Kana'],
  ['Latn', 'Hani', 'Bopo'],
  ['Latn', 'Hani', 'Hang'],
]

let oneScript: RegExp | undefined

/** Whether all letters and marks are of one script, or of some that are written together, and all digits of one kind. */
function isOfOneScript(name: string): boolean {
  // Made with the first name that needs it: most are ASCII.
  oneScript ??= new RegExp(
    [...scripts.map((script) => [script]), ...writtenTogether]
      .map((set) => `^[${['Zyyy', 'Zinh', ...set].map((script) => `\\p{scx=${script}}`).join('')}]+$`)
      .join('|'),
    'u',
  )
  return oneScript.test(name) && !(/[0-9]/.test(name) && /(?![0-9])\p{Nd}/u.test(name))
}

/**
 * Equal for names that differ only in case or presentation: what makes a name one person's, in the accounts and in both
 * chats. Upper case first: it is what unites ß with ss and both sigmas, which lower case alone keeps apart.
 */
export function nameKey(name: string): string {
  if (ascii.test(name)) return name.toLowerCase()
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
}

function good(name: string): NameCheck {
  const key = nameKey(name)
  return reserved.test(key) ? bad('reserved') : { kind: 'good', name, key }
}

function bad(why: NameFault): NameCheck {
  return { kind: 'bad', why }
}

const roomPattern = new RegExp(`^[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}_.-]{0,${textLimits.roomNameLength - 1}}$`, 'u')

/** The rule of `roomName` for a person, without a subject: "a room name has …". */
export const roomNameRule = `1 to ${textLimits.roomNameLength} letters, digits, "-", "_" or ".", and no spaces`

/**
 * The one spelling of a room's name: without `#`, lower case, NFKC, so that `#Lobby` and `lobby` are one room. Undefined
 * unless it has 1 to 32 letters, digits, `-`, `_` or `.`, the first a letter or digit; nothing invisible, and no more marks or
 * scripts than a person's name may have.
 */
export function roomName(typed: string): string | undefined {
  // Compatibility forms can be many times as long as what was typed: what is far too long is not normalised at all.
  if (typed.length > textLimits.roomNameLength * 2) return undefined
  const name = typed.replace(/^#/, '').normalize('NFKC').toLowerCase()
  if (!roomPattern.test(name)) return undefined
  if (ascii.test(name)) return name
  const unseen = /\p{Default_Ignorable_Code_Point}/u.test(name) || invisible.test(name)
  return unseen || tooManyMarks(name) || looksLikeSign.test(name) || !isOfOneScript(name) ? undefined : name
}
