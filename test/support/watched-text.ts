import { deadlineMs } from './timeouts.ts'

/** Text that grows, and can be waited on by event: each wait goes on after the last match, so order is checked too. */
export class WatchedText {
  text = ''
  #read = 0
  #over: string | undefined
  readonly #waiting = new Set<() => void>()

  append(more: string): void {
    this.text += more
    this.#wake()
  }

  /** No more will come; whoever still waits is told `why`. */
  finish(why: string): void {
    this.#over = why
    this.#wake()
  }

  /** Resolves with the match once `wanted` has appeared. Rejects when the text ends or the deadline passes without it. */
  waitFor(wanted: string | RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const give = (error?: string) => {
        clearTimeout(deadline)
        this.#waiting.delete(look)
        if (error !== undefined) reject(new Error(`${error} while waiting for ${wanted}; so far:\n${this.text}`))
      }
      const look = () => {
        const unread = this.text.slice(this.#read)
        const [match, at] =
          typeof wanted === 'string' ? [wanted, unread.indexOf(wanted)] : find(wanted.exec(unread) ?? undefined)
        if (at >= 0) {
          this.#read += at + match.length
          give()
          resolve(match)
        } else if (this.#over !== undefined) give(this.#over)
      }
      const deadline = setTimeout(() => give('the deadline passed'), deadlineMs)
      this.#waiting.add(look)
      look()
    })
  }

  #wake(): void {
    for (const look of [...this.#waiting]) look()
  }
}

function find(match: RegExpExecArray | undefined): [string, number] {
  return match === undefined ? ['', -1] : [match[0], match.index]
}
