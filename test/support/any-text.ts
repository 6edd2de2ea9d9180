import fc, { type StringConstraints } from 'fast-check'

/**
 * Text of any code points but surrogates, as `fc.string({ unit: 'binary' })` makes it, without the table of all of them that
 * fast-check would first fill, for most of a second in each test file.
 */
export const anyText = (constraints: Omit<StringConstraints, 'unit'> = {}) =>
  fc.string({ ...constraints, unit: codePoint })

const surrogates = { first: 0xd800, count: 0x800 }

/** One character of any kind but a surrogate. */
export const codePoint = fc
  .integer({ min: 0, max: 0x10ffff - surrogates.count })
  .map((index) => String.fromCodePoint(index < surrogates.first ? index : index + surrogates.count))
