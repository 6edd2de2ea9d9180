/**
 * Characters that a terminal obeys instead of showing, or that reorder what is read: C0 and C1 controls but TAB, DEL, the
 * line and paragraph separators, the bidirectional marks, embeddings, overrides and isolates (Unicode Standard Annex 9),
 * lone surrogates.
 */
const obeyed = '\\0-\\x08\\x0a-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069'
const active = `[${obeyed}\\u061c\\u200e\\u200f]|\\p{Surrogate}`
/** What shows nothing besides; zero-width joiners are not here, because real names contain them. */
const hidden = '[\\t\\u200b\\u2060-\\u2065\\u206a-\\u206f\\ufeff\\ufff9-\\ufffb]'

const unsafeToDraw = new RegExp(`[${obeyed}]|\\p{Surrogate}`, 'gu')
const unsafeToShow = new RegExp(active, 'gu')
const unsafeToKeep = new RegExp(`${active}|${hidden}`, 'gu')

/** Missing in nearly every text, and much faster to look for. */
const unusual = /[^ -~]/

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A peer's text, safe to print on a terminal: what acts is written out, `\x1b` or `\u202e`. TAB stays. */
export function printable(text: string): string {
  return unusual.test(text) ? text.replace(unsafeToShow, escaped) : text
}

/** The same but for the marks that only hint at a direction (LRM, RLM, ALM): what is said in the chat may have them. */
export function inert(text: string): string {
  return unusual.test(text) ? text.replace(unsafeToDraw, escaped) : text
}

/** The same as `printable` with all that shows nothing written out as well, TAB included: for a log that somebody searches. */
export function visible(text: string): string {
  return unusual.test(text) ? text.replace(unsafeToKeep, escaped) : text
}

/** A JSON text with the unsafe characters that JSON.stringify lets through as `\uXXXX`: the same value, safe to `cat`. */
export function safeJson(json: string): string {
  return unusual.test(json) ? json.replace(unsafeToKeep, (character) => `\\u${code(character, 4)}`) : json
}

function escaped(character: string): string {
  return short[character] ?? (character < '\u0100' ? `\\x${code(character, 2)}` : `\\u${code(character, 4)}`)
}

function code(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0')
}
