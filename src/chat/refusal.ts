import type { RefusalCode } from './message.ts'

/** A request that will not be carried out: told to the one who asked, and nothing else happens. */
export class Refusal extends Error {
  readonly code: RefusalCode

  constructor(code: RefusalCode, sentence: string) {
    super(sentence)
    this.name = 'Refusal'
    this.code = code
  }
}
