import { PassThrough, Writable } from 'node:stream'

// biome-ignore lint/suspicious/noControlCharactersInRegex: a control sequence (ECMA-48, 5.4), or one character.
const tokens = /\x1b\[[\d;?]*[A-Za-z]|./gsu

/** The screen of a terminal that knows what `readline` writes: cursor movement, erasing, wrapping and scrolling. */
export class FakeScreen extends Writable {
  readonly isTTY = true
  readonly columns: number
  readonly rows = 24
  readonly #lines: string[][] = [[]]
  readonly #waiting = new Set<() => void>()
  #row = 0
  #column = 0

  constructor(columns = 40) {
    super({ decodeStrings: false })
    this.columns = columns
  }

  override _write(text: string | Buffer, _: BufferEncoding, done: () => void): void {
    for (const [token] of String(text).matchAll(tokens)) this.#apply(token)
    done()
    for (const check of this.#waiting) check()
  }

  /** All rows from the first that was ever written, without trailing blanks. */
  get text(): string[] {
    return this.#lines.map((row) =>
      Array.from(row, (cell) => cell ?? ' ')
        .join('')
        .trimEnd(),
    )
  }

  /** Row and column, from 0. */
  get cursor(): readonly [row: number, column: number] {
    return [this.#row, this.#column]
  }

  /** Waits until the screen's text, without blank rows at its end, is this. A test that waits in vain runs into its time limit. */
  async until(...expected: string[]): Promise<void> {
    const reached = (): boolean => this.text.join('\n').trimEnd() === expected.join('\n').trimEnd()
    if (reached()) return
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (!reached()) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
    })
  }

  #apply(token: string): void {
    const [argument = '', command = ''] = token.startsWith('\x1b[') ? [token.slice(2, -1), token.slice(-1)] : []
    const count = Number(argument || 1)
    if (command === 'A') this.#row = Math.max(0, this.#row - count)
    else if (command === 'B') this.#row += count
    else if (command === 'C') this.#column += count
    else if (command === 'D') this.#column = Math.max(0, this.#column - count)
    else if (command === 'G') this.#column = count - 1
    else if (command === 'H') [this.#row, this.#column] = [0, 0]
    else if (command === 'J' && count === 2) this.#lines.splice(0)
    else if (command === 'J') this.#eraseDown()
    else if (command === 'K') this.#current().splice(this.#column)
    else if (command !== '') return
    else if (token === '\x07') return
    else if (token === '\r') this.#column = 0
    else if (token === '\n') [this.#row, this.#column] = [this.#row + 1, 0]
    else this.#put(token)
    this.#current()
  }

  #put(character: string): void {
    // As terminals do it: the cursor stays behind the last column until one more character comes.
    if (this.#column >= this.columns) [this.#row, this.#column] = [this.#row + 1, 0]
    this.#current()[this.#column++] = character
  }

  #eraseDown(): void {
    this.#current().splice(this.#column)
    this.#lines.splice(this.#row + 1)
  }

  #current(): string[] {
    while (this.#lines.length <= this.#row) this.#lines.push([])
    return this.#lines[this.#row] ?? []
  }
}

/** A keyboard: what is written to it was typed. */
export class FakeKeyboard extends PassThrough {
  readonly isTTY = true
  isRaw = false

  setRawMode(raw: boolean): this {
    this.isRaw = raw
    return this
  }
}
