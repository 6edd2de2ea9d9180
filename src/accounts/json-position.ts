/** The way to a value: property names and list indices from the outermost value inwards. */
export type JsonPath = readonly (string | number)[]

/** Where in `text`, which is good JSON, the value at `path` starts; the innermost enclosing value where it is missing. */
export function locate(text: string, path: JsonPath): number {
  const walk = new JsonWalk(text)
  walk.space()
  let start = walk.at
  for (const step of path) {
    if (!walk.enter(step)) break
    start = walk.at
  }
  return start
}

/** Walks over good JSON; only run once something is known to be wrong, so it need not be fast. */
class JsonWalk {
  at = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** Moves from the start of a list or object to that of one of its values. */
  enter(step: string | number): boolean {
    const opening = this.#text[this.at]
    if (opening !== '{' && opening !== '[') return false
    this.at++
    for (let index = 0; ; index++) {
      this.space()
      if (/[\]}]/.test(this.#text[this.at] ?? ']')) return false
      let key: unknown = index
      if (opening === '{') {
        const start = this.at
        this.#skip()
        key = JSON.parse(this.#text.slice(start, this.at))
        this.space()
      }
      if (key === step) return true
      this.#skip()
      this.space()
    }
  }

  /** Past white space and the separators between values. */
  space(): void {
    this.#past(/[\s,:]*/y)
  }

  #skip(): void {
    let depth = 0
    do {
      this.space()
      const character = this.#text[this.at] ?? ''
      if (character === '{' || character === '[') depth++
      if (character === '}' || character === ']') depth--
      this.#past(/"(?:[^"\\]|\\.)*"|[{}[\]]|[^\s,:{}[\]"]+/y)
    } while (depth > 0)
  }

  #past(token: RegExp): void {
    token.lastIndex = this.at
    this.at += token.exec(this.#text)?.[0].length ?? 0
  }
}

type Expectation = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end'

/** Tokens of RFC 8259; the first that matches at a place is the one. */
const token =
  /[{}[\]:,]|"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy
const space = /[ \t\n\r]*/y

/** Where `text` stops being JSON: the offset of the first token that can't stand there, or the end when it is cut off. */
export function syntaxErrorOffset(text: string): number {
  const open: string[] = []
  let expected: Expectation = 'value'
  let at = 0
  for (;;) {
    space.lastIndex = at
    at += space.exec(text)?.[0].length ?? 0
    token.lastIndex = at
    const found = token.exec(text)?.[0]
    const next: Expectation | undefined = found === undefined ? undefined : after(found, expected, open)
    if (found === undefined || next === undefined) return at
    expected = next
    at += found.length
  }
}

/** What may follow `found`; undefined when it can't stand where `expected` stands. Keeps `open` up to date. */
function after(found: string, expected: Expectation, open: string[]): Expectation | undefined {
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
