import confusables from 'unhomoglyph/data.json' with { type: 'json' }
import { titles } from './names.ts'

/*
 * What a name looks like, apart from names.ts: the table of confusable characters has 6,000 entries, which most threads and
 * commands never need.
 */

const prototypes: Readonly<Record<string, string>> = confusables

const ascii = /^[ -~]*$/

/** The characters of ASCII that look like others. */
const mistakable = /["%01I`m|]/g

/**
 * The skeleton of UTS 39 section 4: equal for texts that look the same in common fonts. Only to be compared, never shown.
 * `unhomoglyph` brings the table (Unicode 13); its function would take 18 ms to compile a pattern of all its keys.
 */
export function skeleton(text: string): string {
  if (ascii.test(text)) return text.replace(mistakable, prototypeOf)
  let looks = ''
  for (const character of text.normalize('NFD')) looks += prototypeOf(character)
  const decomposed = looks.normalize('NFD')
  // What some characters become is composed of others that look like something themselves.
  return decomposed === text ? text : skeleton(decomposed)
}

/** Of one character, which is the name of nothing that every object has. */
function prototypeOf(character: string): string {
  return prototypes[character] ?? character
}

/**
 * The two looks of a name: as it is written, and without regard to case, since who types a name has none. Two names that share
 * either look alike.
 */
export function looksOf(name: string): readonly [written: string, caseless: string] {
  const plain = ascii.test(name) ? name : name.normalize('NFKC')
  // Small letters first, so that Ian does not look like Lan; and once more, for scripts whose letters look like capitals.
  const small = skeleton(skeleton(plain.toLowerCase()).toLowerCase())
  // One is never compared with the other.
  return [`=${skeleton(plain)}`, `~${small}`]
}

const titleLooks: ReadonlySet<string> = new Set([...titles].map((title) => looksOf(title)[1].slice(1)))

/** Whether a word of the name looks like what stands for the server or its operator (`0perator`). */
function looksLikeTitle([, caseless]: readonly [string, string]): boolean {
  return caseless.split(/[^\p{L}\p{M}]+/u).some((word) => titleLooks.has(word))
}

/** Which looks are taken, by the names of those who have them. */
export class LookAlikes {
  readonly #names = new Map<string, string>()

  constructor(names: Iterable<string> = []) {
    for (const name of names) this.add(name)
  }

  /** Whether the name looks like one that was added, or is the same, or looks like what stands for the server. */
  has(name: string): boolean {
    const looks = looksOf(name)
    return looks.some((look) => this.#names.has(look)) || looksLikeTitle(looks)
  }

  add(name: string): void {
    for (const look of looksOf(name)) if (!this.#names.has(look)) this.#names.set(look, name)
  }

  remove(name: string): void {
    for (const look of looksOf(name)) if (this.#names.get(look) === name) this.#names.delete(look)
  }
}
