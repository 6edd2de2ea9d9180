/**
 * Characters that a terminal obeys or hides instead of showing: C0 and C1 controls, DEL, the line and paragraph separators,
 * the bidirectional marks, embeddings, overrides and isolates (Unicode Standard Annex 9), and
 * zero-width ones except the joiners, which real names contain.
 */
const unsafe =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Surrogate}/gu

/** Missing in nearly every text, and much faster to look for. */
const unusual = /[^ -~]/

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** `text` with every unsafe character written out: `\n`, `\x1b`, `\u202e`. Nothing in the result moves a cursor. */
export function visible(text: string): string {
  return unusual.test(text) ? text.replace(unsafe, (character) => short[character] ?? hex(character)) : text
}

/** A JSON text with the unsafe characters that JSON.stringify lets through as `\uXXXX`: the same value, safe to `cat`. */
export function safeJson(json: string): string {
  return unusual.test(json) ? json.replace(unsafe, (character) => `\\u${code(character, 4)}`) : json
}

function hex(character: string): string {
  return character < '\u0100' ? `\\x${code(character, 2)}` : `\\u${code(character, 4)}`
}

function code(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0')
}
