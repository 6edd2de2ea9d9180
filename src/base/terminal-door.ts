import type { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { inert } from './visible.ts'

/*
 * The one door to a terminal. Commands get the streams of the process from `guarded`: whatever text they write there can only be read,
 * wherever it came from. What draws (the line editor, prompts, progress) gets at the stream behind by `drawing`, and passes
 * through `terminalText` whatever it did not make itself; the test of this file knows who may.
 */

/** Of the sequences that a terminal obeys, those that our own styles are made of: colours, faint and bold (ECMA-48, SGR). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is how they begin
const ownStyle = /(\u001b\[(?:0|1|2|22|39|3[0-7]|9[0-7])?m)/

/** Text for a terminal, of several lines perhaps, which does nothing there but be read; styles of ours stay. */
export function terminalText(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.includes('\u001b') ? styled(line) : inert(line)))
    .join('\n')
}

function styled(line: string): string {
  // Split by a group, every second piece is what the group caught.
  return line
    .split(ownStyle)
    .map((piece, index) => (index % 2 === 1 ? piece : inert(piece)))
    .join('')
}

/** The same without styles, for what is not drawn. */
function plainText(text: string): string {
  return text.split('\n').map(inert).join('\n')
}

const behind = new WeakMap<object, object>()

/** The stream behind a guarded one, for what draws on a terminal; any other stream as it is. */
export function drawing<S extends object>(stream: S): S {
  // What was put there had this type.
  return (behind.get(stream) as S | undefined) ?? stream
}

/**
 * A stream of this process as commands see it: what is written to it is made safe to show.
 * @param data what goes elsewhere than to a terminal is data for a program, and is left as it is
 */
export function guarded<S extends Writable & { readonly isTTY?: boolean }>(stream: S, data: boolean): S {
  if (data && stream.isTTY !== true) return stream
  const decoder = new StringDecoder('utf8')
  const write = (chunk: unknown, ...rest: unknown[]): boolean => {
    const text =
      typeof chunk === 'string' ? chunk : chunk instanceof Uint8Array ? decoder.write(Buffer.from(chunk)) : ''
    return Reflect.apply(stream.write, stream, [plainText(text), ...rest])
  }
  const guard = new Proxy(stream, {
    get(target, name) {
      if (name === 'write') return write
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  })
  behind.set(guard, stream)
  return guard
}

/** Rings, on a terminal. */
export function ring(stream: Writable & { readonly isTTY?: boolean }): void {
  if (stream.isTTY === true) drawing(stream).write('\x07')
}
