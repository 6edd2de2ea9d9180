import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { UsageError } from '../../src/base/errors.ts'
import {
  bytes,
  choice,
  duration,
  flag,
  host,
  integer,
  type Kind,
  lifetime,
  path,
  port,
  remotePort,
  text,
} from '../../src/options/kinds.ts'
import { anyText } from '../support/any-text.ts'

const size = bytes(1, 1_048_576)

test.each<[string, Kind<unknown>, string, unknown]>([
  ['port', port, '0', 0],
  ['port', port, ' 65535 ', 65_535],
  ['port', port, '007', 7],
  ['remotePort', remotePort, '1', 1],
  ['integer', integer(-5, 5), '-5', -5],
  ['integer', integer(-5, 5), '+3', 3],
  ['duration', duration, '0', 0],
  ['duration', duration, 'off', 0],
  ['duration', duration, '0ms', 0],
  ['duration', duration, '90', 90_000],
  ['duration', duration, '250ms', 250],
  ['duration', duration, '1.5S', 1500],
  ['duration', duration, '0.0004s', 1],
  ['duration', duration, '10m', 600_000],
  ['duration', duration, '24h', 86_400_000],
  ['duration', duration, '24d', 2_073_600_000],
  ['bytes', size, '1', 1],
  ['bytes', size, '64k', 65_536],
  ['bytes', size, '64 KiB', 65_536],
  ['bytes', size, '1MB', 1_048_576],
  ['choice', choice('auto', 'text'), ' AUTO', 'auto'],
  ['flag', flag, 'Yes', true],
  ['flag', flag, 'off', false],
  ['flag', flag, '', false],
  ['text', text, '', ''],
  ['path', path, 'a b', 'a b'],
  ['host', host, 'localhost', 'localhost'],
  ['host', host, 'my_host.example.', 'my_host.example.'],
  ['host', host, '3com.example', '3com.example'],
  ['host', host, 'bücher.example', 'xn--bcher-kva.example'],
  ['host', host, 'BÜCHER。example', 'xn--bcher-kva.example'],
  ['host', host, 'пример.испытание', 'xn--e1afmkfd.xn--80akhbyknj4f'],
  ['host', host, '127.0.0.1', '127.0.0.1'],
  ['host', host, '[::1]', '::1'],
  ['host', host, 'fe80::1%eth0', 'fe80::1%eth0'],
  ['host', host, '::ffff:10.0.0.1', '::ffff:10.0.0.1'],
])('%s: taken, row %#', (_, kind, written, value) => {
  expect(kind.parse(written)).toBe(value)
})

test.each<[string, Kind<unknown>, string, string]>([
  ['port', port, '-1', '-1 is not between 0 and 65535'],
  ['port', port, '65536', '65536 is not between 0 and 65535'],
  ['port', port, '99999999999999999999999', '99999999999999999999999 is not between 0 and 65535'],
  ['port', port, '', '"" is not a whole number'],
  ['port', port, '80.0', '"80.0" is not a whole number'],
  ['port', port, '1e3', '"1e3" is not a whole number'],
  ['port', port, '0x50', '"0x50" is not a whole number'],
  ['port', port, '٣', '"٣" is not a whole number'],
  ['remotePort', remotePort, '0', '0 is not between 1 and 65535'],
  ['duration', duration, '-1s', '"-1s" is not a duration such as 250ms, 30s, 10m or 24h'],
  ['duration', duration, '5 min', '"5 min" is not a duration such as 250ms, 30s, 10m or 24h'],
  ['duration', duration, 'Infinity', '"Infinity" is not a duration such as 250ms, 30s, 10m or 24h'],
  ['duration', duration, '25d', '25d is longer than 24 days'],
  ['bytes', size, '0', '0 is not between 1 and 1048576 bytes'],
  ['bytes', size, '2m', '2m is not between 1 and 1048576 bytes'],
  ['bytes', size, '1.5k', '"1.5k" is not a size such as 1024, 64k or 1m'],
  ['bytes', size, '1 constructor', '"1 constructor" is not a size such as 1024, 64k or 1m'],
  ['choice', choice('auto', 'text'), 'txt', '"txt" is none of auto, text'],
  ['flag', flag, 'perhaps', '"perhaps" is neither yes nor no'],
  ['path', path, '', 'a file name is needed'],
  ['path', path, 'a\0b', 'a file name cannot contain a NUL character'],
  ['host', host, '', 'a host name or an address is needed'],
  ['host', host, '[]', 'a host name or an address is needed'],
  ['host', host, '256.1.1.1', '"256.1.1.1" is neither a host name nor an IP address'],
  ['host', host, '10.0.0.08', '"10.0.0.08" is neither a host name nor an IP address'],
  ['host', host, '①.②.③.④', '"①.②.③.④" is neither a host name nor an IP address'],
  ['host', host, 'a\u202eb', '"a\u202eb" is neither a host name nor an IP address'],
  ['host', host, '1.2.3', '"1.2.3" is neither a host name nor an IP address'],
  ['host', host, ':::', '":::" is neither a host name nor an IP address'],
  ['host', host, '1:2:3:4:5:6:7:8:9', '"1:2:3:4:5:6:7:8:9" is neither a host name nor an IP address'],
  ['host', host, 'a..b', '"a..b" is neither a host name nor an IP address'],
  ['host', host, '-rf', '"-rf" is neither a host name nor an IP address'],
  ['host', host, 'a b', '"a b" is neither a host name nor an IP address'],
  ['host', host, 'http://x', '"http://x" is neither a host name nor an IP address'],
  ['host', host, `${'a'.repeat(64)}.b`, `"${'a'.repeat(64)}.b" is neither a host name nor an IP address`],
  ['host', host, 'a.'.repeat(130), 'a host name has at most 253 characters (RFC 1123)'],
])('%s: refused with a reason, row %#', (_, kind, written, message) => {
  expect(() => kind.parse(written)).toThrow(new UsageError(message))
})

describe('for any text', () => {
  const kinds: [string, Kind<unknown>][] = [
    ['port', port],
    ['duration', duration],
    ['bytes', size],
    ['choice', choice('auto', 'text')],
    ['flag', flag],
    ['path', path],
    ['host', host],
  ]
  test.each(kinds)('%s gives a value or a UsageError, never another fault', (_, kind) => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), anyText(), fc.ipV6(), fc.domain()), (written) => {
        try {
          kind.parse(written)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
        }
      }),
    )
  })

  test('a number inside the bounds is itself, one outside is refused', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer(), (a, b, value) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)]
        const read = () => integer(min, max).parse(String(value))
        if (value >= min && value <= max) expect(read()).toBe(value)
        else expect(read).toThrow(UsageError)
      }),
    )
  })

  test('every address is a host, with and without brackets', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(host.parse(address)).toBe(address)
        expect(host.parse(`[${address}]`)).toBe(address)
      }),
    )
  })

  test('a duration never exceeds what a timer can hold', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('ms', 's', 'm', 'h', 'd', ''), (count, unit) => {
        let ms = 0
        try {
          ms = duration.parse(`${count}${unit}`)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
        }
        expect(ms).toBeLessThan(2 ** 31)
        expect(Number.isInteger(ms)).toBe(true)
      }),
    )
  })
})

test.each([
  ['1s', 1000],
  ['24h', 86_400_000],
  ['30d', 2_592_000_000],
  ['366d', 31_622_400_000],
  ['90', 90_000],
])('%s is a lifetime', (text, ms) => {
  expect(lifetime.parse(text)).toBe(ms)
})

test.each(['0', 'off', '999ms', '367d', '-1s', 'long', ''])('%j is no lifetime', (text) => {
  expect(() => lifetime.parse(text)).toThrow(/is not/)
})
