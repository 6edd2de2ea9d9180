/** The way to a value: property names and list indices from the outermost value inwards. */
export type JsonPath = readonly (string | number)[]

/** Where in `text`, which is good JSON, the value at `path` starts; the innermost enclosing value where it is missing. */
export function locate(text: string, path: JsonPath): number {
  const scan = new Scan(text)
  scan.space()
  let start = scan.at
  for (const step of path) {
    if (!scan.enter(step)) break
    start = scan.at
  }
  return start
}

/** Walks over good JSON; only run once something is known to be wrong, so it need not be fast. */
class Scan {
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
