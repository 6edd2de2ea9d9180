/**
 * What must not reach a terminal from somebody else: C0 but TAB, DEL and C1 (they move the cursor, change colours, answer
 * as if typed), line and paragraph separators, bidirectional controls (UAX #9; they reorder what is read), lone surrogates.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about.
const unsafe = /[\0-\x08\x0A-\x1F\x7F-\x9F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]|\p{Surrogate}/gu

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r' }

/** A peer's text, safe to print on a terminal: control characters are written as `\x1b` or `\u202e`. TAB stays. */
export function printable(text: string): string {
  return text.replace(unsafe, (character) => short[character] ?? escaped(character))
}

function escaped(character: string): string {
  const hex = character.charCodeAt(0).toString(16)
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`
}
