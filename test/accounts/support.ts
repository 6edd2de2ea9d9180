import type { Disk } from '../../src/accounts/user-store.ts'

/** A well-formed hash of nothing in particular, different for each `n`. */
export function someHash(n = 0): string {
  return `$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$${String(n).padStart(43, 'A')}`
}

/** A disk that writes when told to, and counts. */
export class SlowDisk implements Disk {
  readonly written: string[] = []
  #pending: { text: string; finish: PromiseWithResolvers<void> }[] = []
  #arrived = Promise.withResolvers<void>()

  replace(_path: string, text: Iterable<string>): Promise<void> {
    const finish = Promise.withResolvers<void>()
    this.#pending.push({ text: [...text].join(''), finish })
    this.#arrived.resolve()
    return finish.promise
  }

  get pending(): number {
    return this.#pending.length
  }

  /** Ends the rewrite under way, or the next one: it is written, or fails with this code. */
  async finish(code?: string): Promise<void> {
    if (this.#pending.length === 0) this.#arrived = Promise.withResolvers()
    // A change may load the table of look-alikes before its rewrite begins.
    await this.#arrived.promise
    const rewrite = this.#pending.shift()
    if (rewrite === undefined) throw new Error('no rewrite is under way')
    if (code === undefined) {
      this.written.push(rewrite.text)
      rewrite.finish.resolve()
    } else rewrite.finish.reject(Object.assign(new Error(code), { code }))
  }
}
