import { domainToASCII } from 'node:url'
import { UsageError } from '../base/errors.ts'

/** A kind of value that a person can type: how it is parsed, and what to call it in help and errors. */
export interface Kind<T> {
  /** Placeholder in help: PORT, DURATION … Empty for a flag that takes no value. */
  readonly placeholder: string
  /** All that is accepted, where that is a short list: for completion. */
  readonly words?: readonly string[]
  /** @throws {UsageError} that says what is wrong and what would be right, without naming the option. */
  parse(text: string): T
}

/** The same kind; typed so that `default: undefined` is possible. */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return kind
}

export const text: Kind<string> = {
  placeholder: 'TEXT',
  parse: (value) => value,
}

export const path: Kind<string> = {
  placeholder: 'FILE',
  parse(value) {
    if (value === '') throw new UsageError('a file name is needed')
    if (value.includes('\0')) throw new UsageError('a file name cannot contain a NUL character')
    return value
  },
}

/** A switch: present or not. In the environment: 1/0, true/false, yes/no, on/off. */
export const flag: Kind<boolean> = {
  placeholder: '',
  parse(value) {
    const word = value.trim().toLowerCase()
    if (['1', 'true', 'yes', 'on', 'y'].includes(word)) return true
    if (['0', 'false', 'no', 'off', 'n', ''].includes(word)) return false
    throw new UsageError(`"${value}" is neither yes nor no`)
  },
}

/** Decimal whole numbers from `min` to `max`, both included. */
export function integer(min: number, max: number, placeholder = 'N'): Kind<number> {
  return {
    placeholder,
    parse(value) {
      const word = value.trim()
      const number = /^[+-]?\d+$/.test(word) ? Number(word) : Number.NaN
      if (Number.isNaN(number)) throw new UsageError(`"${value}" is not a whole number`)
      if (number < min || number > max) throw new UsageError(`${word} is not between ${min} and ${max}`)
      return number
    },
  }
}

/** A TCP or UDP port. 0 asks the system for a free one. */
export const port: Kind<number> = integer(0, 65_535, 'PORT')

/** A port that one can connect to. */
export const remotePort: Kind<number> = integer(1, 65_535, 'PORT')

/** Exactly one of the words. */
export function choice<const T extends string>(...words: readonly T[]): Kind<T> {
  return {
    placeholder: words.join('|'),
    words,
    parse(value) {
      const found = words.find((word) => word === value.trim().toLowerCase())
      if (found === undefined) throw new UsageError(`"${value}" is none of ${words.join(', ')}`)
      return found
    },
  }
}

/** A name as DNS has it: an internationalized one in its ASCII form (RFC 5891), `bücher.example` as `xn--bcher-kva.example`. */
export function asciiHost(name: string): string {
  // ASCII stays as it was typed: what looks like an odd IPv4 address to a URL is a name here.
  return /^[\x20-\x7e]*$/.test(name) ? name : domainToASCII(name)
}

/**
 * A host name (RFC 1123, underscores let pass as resolvers do; an internationalized one becomes ASCII) or an IP address;
 * `[::1]` loses its brackets.
 */
export const host: Kind<string> = {
  placeholder: 'HOST',
  parse(value) {
    const word = value.trim()
    const typed = /^\[(.*)\]$/.exec(word)?.[1] ?? word
    if (typed === '') throw new UsageError('a host name or an address is needed')
    const bare = asciiHost(typed)
    if (bare.length > 253) throw new UsageError('a host name has at most 253 characters (RFC 1123)')
    const name = /^(?=.*[a-z_])[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?$/i
    // What normalizes to an address, such as digits in circles, was typed as no address.
    const v4 = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/
    if (!name.test(bare) && !(v4.test(bare) && bare === typed) && !isIPv6(bare)) {
      throw new UsageError(`"${value}" is neither a host name nor an IP address`)
    }
    return bare
  },
}

/** RFC 4291 text, with an RFC 4007 zone (`fe80::1%eth0`) or without. */
function isIPv6(word: string): boolean {
  const [, address] = /^([0-9a-f:.]*:[0-9a-f:.]*)(%[\w.-]+)?$/i.exec(word) ?? []
  return address !== undefined && URL.canParse(`http://[${address}]`)
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time span in milliseconds: `250ms`, `1.5s`, `10m`, `24h`; a bare number means seconds; `0` and `off` mean none. */
export const duration: Kind<number> = {
  placeholder: 'DURATION',
  parse(value) {
    const ms = milliseconds(value)
    // Node's timers hold at most 2^31 - 1 ms and fire at once beyond it.
    if (ms > 2_147_483_647) throw new UsageError(`${value.trim()} is longer than 24 days`)
    return ms
  },
}

/** How long something is kept, from a second to a year; written like a duration. Too long for a timer. */
export const lifetime: Kind<number> = {
  placeholder: 'DURATION',
  parse(value) {
    const ms = milliseconds(value)
    if (ms < 1000 || ms > 366 * 86_400_000) throw new UsageError(`${value.trim()} is not between 1s and 366d`)
    return ms
  },
}

function milliseconds(value: string): number {
  const word = value.trim().toLowerCase()
  if (word === 'off') return 0
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(word)
  const unit = durationUnits[match?.[2] ?? 's']
  if (match === null || unit === undefined) {
    throw new UsageError(`"${value}" is not a duration such as 250ms, 30s, 10m or 24h`)
  }
  const ms = Number(match[1]) * unit
  // Half a millisecond is short, not none.
  return ms > 0 ? Math.max(1, Math.round(ms)) : 0
}

const byteUnits = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1024],
  ['kb', 1024],
  ['kib', 1024],
  ['m', 1_048_576],
  ['mb', 1_048_576],
  ['mib', 1_048_576],
])

/** A size in bytes from `min` to `max`: `1024`, `64k`, `1MiB` (1 k = 1024). */
export function bytes(min: number, max: number): Kind<number> {
  return {
    placeholder: 'BYTES',
    parse(value) {
      const match = /^(\d+)\s*([a-z]*)$/.exec(value.trim().toLowerCase())
      const unit = byteUnits.get(match?.[2] ?? '')
      if (match === null || unit === undefined) throw new UsageError(`"${value}" is not a size such as 1024, 64k or 1m`)
      const size = Number(match[1]) * unit
      if (size < min || size > max) throw new UsageError(`${value.trim()} is not between ${min} and ${max} bytes`)
      return size
    },
  }
}
