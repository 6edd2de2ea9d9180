import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { hostKey, sourceKey } from '../../src/accounts/hosts.ts'

test.each([
  ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7', '192.0.2.7'],
  ['::FFFF:c000:207', '192.0.2.7', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7', '192.0.2.7'],
  ['::1', '::1', '::/64'],
  ['2001:db8::7', '2001:db8::7', '2001:db8::/64'],
  ['2001:DB8:0:0:0:0:0:7', '2001:db8::7', '2001:db8::/64'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80::1', 'fe80::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b::c000:207', '64:ff9b::/64'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1', '2001:0:0:1::/64'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', '2001:db8::/64'],
  ['2001:0:1:10:0:100:0:1', '2001:0:1:10:0:100:0:1', '2001:0:1:10::/64'],
  ['::', '::', '::/64'],
  ['', '', ''],
  ['nonsense', 'nonsense', 'nonsense'],
])('%j has the key %j and is of the source %j', (address, host, source) => {
  expect([hostKey(address), sourceKey(address)]).toEqual([host, source])
})

test('every spelling of an IPv6 address has one key, and that key is its own', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const key = hostKey(address)
      expect(hostKey(key)).toBe(key)
      expect(hostKey(address.toUpperCase())).toBe(key)
      // What a URL has between its brackets is the same form, but for IPv4 addresses.
      if (key.includes(':')) expect(`[${key}]`).toBe(new URL(`http://[${key}]`).hostname)
    }),
  )
})
