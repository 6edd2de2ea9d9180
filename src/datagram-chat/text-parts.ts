import { datagramLimits } from './limits.ts'

/** Cuts the UTF-8 of a text into parts for one datagram each. At most `datagramTextBytes`, or undefined: that is not sent at all. */
export function textParts(text: string): readonly Buffer[] | undefined {
  const bytes = Buffer.from(text.toWellFormed())
  if (bytes.length > datagramLimits.textBytes) return undefined
  const count = Math.max(1, Math.ceil(bytes.length / datagramLimits.partBytes))
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * datagramLimits.partBytes, (index + 1) * datagramLimits.partBytes),
  )
}
