/** A name of a member: at most this many bytes of UTF-8. */
const maxNameBytes = 32

/**
 * The form in which a member's name is kept and shown (Unicode NFC), or undefined if it cannot be one: letters and digits of any script,
 * then also `.`, `_`, `-` and up to two combining marks a letter. So no spaces, no terminal escapes, no bidirectional overrides.
 */
export function memberName(text: string): string | undefined {
  const name = text.normalize('NFC')
  if (Buffer.byteLength(name) > maxNameBytes) return undefined
  return /^[\p{L}\p{N}]\p{M}{0,2}(?:[\p{L}\p{N}._-]\p{M}{0,2})*$/u.test(name) ? name : undefined
}

/** A room's name, written small: 1 to 32 of a–z, 0–9, `.`, `_`, `-`, the first a letter or digit; a leading # is dropped. Otherwise undefined. */
export function roomName(text: string): string | undefined {
  const name = text.replace(/^#/, '').toLowerCase()
  return /^[a-z0-9][a-z0-9._-]{0,31}$/.test(name) ? name : undefined
}
