/** What somebody on the network may send to a terminal: titles, colours, cursor movement, C1, bidirectional controls, forged lines. */
export const hostile =
  'x\x1b]0;owned\x07\x1b[31m\x1b[2J\x1b[1;1H\x1bc\x9b31m\x9d0;y\x9c\x90q\x9c\u202eevil\u2066\u200f\u061c\u2028\u2029\r\x00\x08\x7f\x85\x0b\x0cz'

/**
 * What of it a terminal would obey, or would reorder: controls but TAB and newline, bidirectional controls but the marks that only
 * hint (which people may say), separators.
 */
export function acting(text: string): readonly string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  return text.match(/[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g) ?? []
}

/** The styles (SGR) in a text, in their order. */
export function styles(text: string): readonly string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is how they begin
  return text.match(/\x1b\[[\d;]*m/g) ?? []
}

/** The text without styles, and without what a line editor draws with: cursor movement and erasing. */
export function undrawn(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is how they begin
  return text.replaceAll(/\x1b\[(?:\d+[ACG]|J|K|H|2J|[\d;]*m)|\r/g, '')
}
