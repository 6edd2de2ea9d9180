import { textLimits } from './limits.ts'

/** What became of a text that was given as a person's name. */
export type NameCheck =
  | { readonly kind: 'good'; readonly name: string; readonly key: string }
  | { readonly kind: 'bad'; readonly why: NameFault }

export type NameFault = 'empty' | 'long' | 'control' | 'space' | 'mark' | 'reserved' | 'encoding'

/** What a person is told; none repeats the name, which might be a password typed too early. */
export const nameFaults: Readonly<Record<NameFault, string>> = {
  empty: 'A name has at least one character.',
  long: `A name has at most ${textLimits.personNameCodePoints} characters.`,
  control: 'A name has no control characters and nothing invisible.',
  space: 'A name neither starts nor ends with a space, and has only single plain spaces inside.',
  mark: 'A name does not start with a combining mark.',
  reserved: 'That word is a command and cannot be a name.',
  encoding: 'That name did not arrive as UTF-8; set your terminal or client to UTF-8.',
}

/** A person on a text line could never log in under these: the line would be taken for the command, `resume` with its token. */
const reserved = /^(?:exit$|resume(?: |$))/

/** Most names by far; normalising changes nothing about them. */
const plainName = /^[!-~]+(?: [!-~]+)*$/

const ascii = /^[ -~]*$/

/**
 * Checks what was typed as a person's name. The result is in Unicode normal form C; `key` is equal for names that differ only
 * in case or in look-alike presentation (width, ligatures, superscripts).
 */
export function checkName(typed: string): NameCheck {
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
 * unless it has 1 to 32 letters, digits, `-`, `_` or `.`, the first a letter or digit.
 */
export function roomName(typed: string): string | undefined {
  // Compatibility forms can be many times as long as what was typed: what is far too long is not normalised at all.
  if (typed.length > textLimits.roomNameLength * 2) return undefined
  const name = typed.replace(/^#/, '').normalize('NFKC').toLowerCase()
  return roomPattern.test(name) ? name : undefined
}
