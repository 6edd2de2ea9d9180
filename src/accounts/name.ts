import { limits } from '../base/limits.ts'
import { nameKey } from '../base/name-key.ts'

export type NameCheck =
  | { readonly kind: 'good'; readonly name: string; readonly key: string }
  | { readonly kind: 'bad'; readonly why: NameFault }

export type NameFault = 'empty' | 'long' | 'control' | 'space' | 'mark' | 'reserved' | 'encoding'

/** What a person is told; none repeats the name, which might be a password typed too early. */
export const nameFaults: Readonly<Record<NameFault, string>> = {
  empty: 'A name has at least one character.',
  long: `A name has at most ${limits.nameCodePoints} characters.`,
  control: 'A name has no control characters and nothing invisible.',
  space: 'A name neither starts nor ends with a space, and has only single plain spaces inside.',
  mark: 'A name does not start with a combining mark.',
  reserved: 'That word is a command and cannot be a name.',
  encoding: 'That name did not arrive as UTF-8; set your terminal or client to UTF-8.',
}

/** A person on a text line could never log in under these: the line would be taken for the command, `resume` with its token. */
const reserved = /^(?:exit$|resume(?: |$))/

/** Most names by far; normalising changes nothing about them. */
const plain = /^[!-~]+(?: [!-~]+)*$/

/**
 * Checks what was typed as a name. The result is in Unicode normal form C; `key` is equal for names that differ only in
 * case or in look-alike presentation (width, ligatures, superscripts).
 */
export function checkName(typed: string): NameCheck {
  // NFC never makes a text more than three times longer or shorter (UAX #15), so this bounds the work on a huge text.
  if (typed.length > limits.nameCodePoints * 16) return bad('long')
  if (plain.test(typed) && typed.length <= limits.nameCodePoints) return good(typed)
  const name = typed.normalize('NFC')
  if (name === '') return bad('empty')
  // What stands for bytes that are no UTF-8: any two of them would be the same name.
  if (name.includes('\ufffd')) return bad('encoding')
  // Controls, formats (bidirectional ones too), surrogates, private and unassigned code points, line separators, fillers.
  if (/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(name)) return bad('control')
  if (/^ | $| {2}|(?! )\p{Zs}/u.test(name)) return bad('space')
  if (/^\p{M}/u.test(name)) return bad('mark')
  if ([...name].length > limits.nameCodePoints) return bad('long')
  return good(name)
}

function good(name: string): NameCheck {
  const key = nameKey(name)
  return reserved.test(key) ? bad('reserved') : { kind: 'good', name, key }
}

function bad(why: NameFault): NameCheck {
  return { kind: 'bad', why }
}
