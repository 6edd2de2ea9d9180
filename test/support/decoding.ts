import type { Decoder } from '../../src/net/codec.ts'

/** Everything that a decoder makes of these chunks and the end. */
export function decodeAll<T>(decoder: Decoder<T>, chunks: Iterable<Uint8Array>): T[] {
  const messages: T[] = []
  for (const chunk of chunks) messages.push(...decoder.push(chunk))
  messages.push(...decoder.end())
  return messages
}

/** `bytes` cut into pieces of these sizes; what is left is the last piece. */
export function chopped(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  let at = 0
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  pieces.push(bytes.subarray(at))
  return pieces
}

/** Runs `action` and counts the bytes that it copies between buffers, by whichever way Node offers. */
export function countingCopies<T>(action: () => T): { readonly result: T; readonly copied: number } {
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype)
  const { set } = typedArray
  const { copy } = Buffer.prototype
  const { concat } = Buffer
  let copied = 0
  typedArray.set = function (this: Uint8Array, source: Uint8Array, offset?: number) {
    copied += source.length
    return set.call(this, source, offset)
  }
  Buffer.prototype.copy = function (this: Buffer, ...args: Parameters<Buffer['copy']>) {
    const count = copy.apply(this, args)
    copied += count
    return count
  }
  Buffer.concat = (list, length) => {
    const whole = concat(list, length)
    copied += whole.length
    return whole
  }
  try {
    return { result: action(), copied }
  } finally {
    typedArray.set = set
    Buffer.prototype.copy = copy
    Buffer.concat = concat
  }
}
