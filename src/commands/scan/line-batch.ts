import type { Clock, Timer } from '../../base/clock.ts'

/** Lines collected this long, or this much, make one write. */
const batchMs = 20
const batchCharacters = 65_536

/** Collects lines, so that each is not a write of its own. */
export class LineBatch {
  readonly #clock: Clock
  readonly #write: (text: string) => void
  #text = ''
  #timer: Timer | undefined

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock
    this.#write = write
  }

  add(line: string): void {
    this.#text += line
    if (this.#text.length > batchCharacters) this.flush()
    else this.#timer ??= this.#clock.after(batchMs, () => this.flush())
  }

  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#text !== '') this.#write(this.#text)
    this.#text = ''
  }
}
