type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end'

/** Tokens of RFC 8259; the first that matches at a place is the one. */
const token =
  /[{}[\]:,]|"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy
const space = /[ \t\n\r]*/y

/** Where `text` stops being JSON: the offset of the first token that can't stand there, or the end when it is cut off. */
export function syntaxErrorOffset(text: string): number {
  const open: string[] = []
  let expected: Expected = 'value'
  let at = 0
  for (;;) {
    space.lastIndex = at
    at += space.exec(text)?.[0].length ?? 0
    token.lastIndex = at
    const found = token.exec(text)?.[0]
    const next: Expected | undefined = found === undefined ? undefined : after(found, expected, open)
    if (found === undefined || next === undefined) return at
    expected = next
    at += found.length
  }
}

/** What may follow `found`; undefined when it can't stand where `expected` stands. Keeps `open` up to date. */
function after(found: string, expected: Expected, open: string[]): Expected | undefined {
  const inside = open.at(-1)
  switch (found) {
    case '}':
    case ']':
      // Which of the two is open also settles whether a key or a value was expected.
      if (!expected.endsWith('or end') || inside !== (found === '}' ? '{' : '[')) return undefined
      open.pop()
      return 'comma or end'
    case ':':
      return expected === 'colon' ? 'value' : undefined
    case ',':
      if (expected !== 'comma or end' || inside === undefined) return undefined
      return inside === '{' ? 'key' : 'value'
  }
  if (expected.startsWith('key')) return found.startsWith('"') ? 'colon' : undefined
  if (!expected.startsWith('value')) return undefined
  if (found !== '{' && found !== '[') return 'comma or end'
  open.push(found)
  return found === '{' ? 'key or end' : 'value or end'
}
