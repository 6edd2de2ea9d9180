import { isUtf8 } from 'node:buffer'
import type { Words } from './check.ts'

/** What a program does to the text that it returns. */
export type Transform = 'identity' | 'upper' | 'lower' | 'capitalised' | 'swapped' | 'reversed'

/** The end of a message, where the program waits for one. */
export type LineEnd = '' | '\n' | '\r\n' | '\0'

/** How an echo server talks: whatever is fixed here costs nobody points. */
export interface EchoDialect {
  /** It says something as soon as somebody connects. */
  readonly greets: boolean
  /** The first message is taken as a name. */
  readonly hello: boolean
  readonly line: LineEnd
  /** It answers when the client has ended its side. */
  readonly atEnd: boolean
  readonly transform: Transform
  /** What stands before and behind every answer. */
  readonly prefix: Buffer
  readonly suffix: Buffer
}

/** A message and all that came back for it, before the next was sent. */
export interface Sample {
  readonly sent: Buffer
  readonly received: Buffer
}

/** What the probes say about the answers. */
export type EchoAnswers =
  /** Nothing of what was sent is in what came. */
  | { readonly kind: 'foreign' }
  /** It is, but what stands around it differs, or can't be shown: bytes that nobody sent. */
  | { readonly kind: 'unclean'; readonly transform: Transform; readonly around: Buffer }
  | { readonly kind: 'clean'; readonly transform: Transform; readonly prefix: Buffer; readonly suffix: Buffer }

const transforms: readonly Transform[] = ['identity', 'upper', 'lower', 'capitalised', 'swapped', 'reversed']

/** Text as the transform leaves it. Bytes that aren't UTF-8 stay. */
export function transformed(bytes: Buffer, transform: Transform): Buffer {
  if (transform === 'identity') return bytes
  const text = bytes.toString()
  // Not text: a program that changes letters leaves nothing else to compare with.
  if (!Buffer.from(text).equals(bytes)) return bytes
  switch (transform) {
    case 'upper':
      return Buffer.from(text.toUpperCase())
    case 'lower':
      return Buffer.from(text.toLowerCase())
    case 'capitalised':
      return Buffer.from(text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase())
    case 'swapped':
      return Buffer.from([...text].map(swapped).join(''))
    case 'reversed':
      return Buffer.from([...text].reverse().join(''))
  }
}

/** The same by a program that changes ASCII letters only, as C and Python's bytes do. */
export function transformedAscii(bytes: Buffer, transform: Transform): Buffer {
  if (transform === 'reversed') return Buffer.from(bytes).reverse()
  const changed = transformed(Buffer.from(bytes.map((byte) => (byte < 0x80 ? byte : 0))), transform)
  return Buffer.from(changed.map((byte, at) => ((bytes[at] ?? 0) < 0x80 ? byte : (bytes[at] ?? 0))))
}

/** Whether the transform gives the same for a text whole and in pieces. */
export function worksInPieces(transform: Transform): boolean {
  return transform !== 'reversed' && transform !== 'capitalised'
}

function swapped(letter: string): string {
  return letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase()
}

/**
 * Finds what the answers to messages of different lengths have in common. Sent texts have letters of both cases. `before` is what
 * was sent earlier: a program that repeats it has another mistake than bytes that nobody sent.
 */
export function readAnswers(probes: readonly Sample[], line: LineEnd, before: readonly Buffer[] = []): EchoAnswers {
  for (const transform of transforms) {
    const around = probes.map((probe) => surroundings(probe, transform, before))
    const [first] = around
    if (first === undefined) continue
    const known = around.filter((each) => each !== undefined)
    if (known.length < probes.length) continue
    const same = known.every(({ prefix, suffix }) => prefix.equals(first.prefix) && suffix.equals(first.suffix))
    const shown = Buffer.concat([first.prefix, first.suffix])
    // A terminating NUL that is the message's own end is a dialect; any other byte that can't be shown comes from a buffer.
    const clean = same && (line === '\0' || isText(shown))
    return clean ? { kind: 'clean', transform, ...first } : { kind: 'unclean', transform, around: shown }
  }
  return { kind: 'foreign' }
}

function surroundings(
  probe: Sample,
  transform: Transform,
  before: readonly Buffer[],
): { prefix: Buffer; suffix: Buffer } | undefined {
  const echo = transformed(probe.sent, transform)
  const at = probe.received.indexOf(echo)
  if (at < 0) return undefined
  let prefix = probe.received.subarray(0, at)
  for (const text of before) prefix = without(prefix, transformed(text, transform))
  return { prefix, suffix: probe.received.subarray(at + echo.length) }
}

/** Whether bytes are a text that a terminal can show: UTF-8, with line ends, TABs and colours, which are somebody's taste. */
export function isText(bytes: Buffer): boolean {
  const ESC = 0x1b
  return (
    isUtf8(bytes) && bytes.every((byte) => (byte >= 0x20 && byte !== 0x7f) || (byte >= 9 && byte <= 13) || byte === ESC)
  )
}

/** What came, without what the program writes around each answer. */
export function stripped(received: Buffer, { prefix, suffix }: Pick<EchoDialect, 'prefix' | 'suffix'>): Buffer {
  let left = received
  for (const text of suffix.length >= prefix.length ? [suffix, prefix] : [prefix, suffix]) left = without(left, text)
  return left
}

function without(bytes: Buffer, text: Buffer): Buffer {
  if (text.length === 0) return bytes
  const parts: Buffer[] = []
  let from = 0
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, from)) {
    parts.push(bytes.subarray(from, at))
    from = at + text.length
  }
  parts.push(bytes.subarray(from))
  return Buffer.concat(parts)
}

/** The first byte in which two differ; undefined when they are the same. */
export function firstDifference(expected: Buffer, actual: Buffer): number | undefined {
  const common = Math.min(expected.length, actual.length)
  for (let at = 0; at < common; at++) if (expected[at] !== actual[at]) return at
  return expected.length === actual.length ? undefined : common
}

/** The dialect for a report. */
export function describeDialect({ greets, hello, line, atEnd, transform, prefix, suffix }: EchoDialect): Words {
  const said: Words[] = []
  if (greets) said.push({ en: 'greets', ru: 'здоровается' })
  if (hello) said.push({ en: 'takes the first message as a name', ru: 'первое сообщение считает именем' })
  if (line !== '')
    said.push({ en: `reads lines (${JSON.stringify(line)})`, ru: `читает строки (${JSON.stringify(line)})` })
  if (atEnd) said.push({ en: 'answers at the end of input', ru: 'отвечает в конце ввода' })
  if (transform !== 'identity') said.push({ en: `changes the text (${transform})`, ru: `меняет текст (${transform})` })
  const around = [prefix, suffix].map((text) => text.toString()).filter((text) => text.trim() !== '')
  if (around.length > 0) {
    const shown = around.map((text) => JSON.stringify(text)).join(', ')
    said.push({ en: `writes ${shown} around each answer`, ru: `пишет ${shown} вокруг ответа` })
  }
  if (said.length === 0) return { en: 'answers every portion as it comes', ru: 'отвечает на каждую порцию' }
  return { en: said.map(({ en }) => en).join(', '), ru: said.map(({ ru }) => ru).join(', ') }
}
