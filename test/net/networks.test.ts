import { describe, expect, test } from '@jest/globals'
import { formatNetwork, inNetworks, NetworkMap, networkList, parseNetwork } from '../../src/net/networks.ts'

describe('networks', () => {
  test.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['192.168.1.7/24', '192.168.1.200', true],
    ['192.168.1.7/24', '192.168.2.1', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '2001:db8::1', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
    ['::ffff:192.0.2.0/120', '192.0.2.9', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.0/8', 'no address', false],
  ])('%s has %s: %s', (network, address, has) => {
    expect(inNetworks(networkList.parse(network), address)).toBe(has)
  })

  test.each(['', '10.0.0.0/33', '::1/129', '10.0.0/8', 'fe80::1%eth0/64', '::ffff:1.2.3.4/24', '10.0.0.0/', 'host/8'])(
    '%j is none',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined()
    },
  )

  test.each([
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['192.168.1.7/24', '192.168.1.0/24'],
    ['192.0.2.7/32', '192.0.2.7'],
    ['::ffff:192.0.2.0/120', '192.0.2.0/24'],
    ['2001:0DB8::1/32', '2001:db8::/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
  ])('%s is written %s', (typed, written) => {
    const network = parseNetwork(typed)
    expect(network && formatNetwork(network)).toBe(written)
  })

  test('many of them find an address as one by one', () => {
    const blocks = ['10.0.0.0/8', '10.1.0.0/16', '192.0.2.7', '0.0.0.0/0', '2001:db8::/32', '::/0', '::1']
    const map = new NetworkMap<string>()
    for (const block of blocks) for (const network of networkList.parse(block)) map.set(network, block)
    for (const address of [
      '10.1.2.3',
      '192.0.2.7',
      '203.0.113.9',
      '::1',
      '2001:db8::9',
      '::ffff:10.1.0.1',
      'none',
      '',
    ]) {
      const expected = blocks.filter((block) => inNetworks(networkList.parse(block), address))
      expect([...map.of(address)].sort()).toEqual(expected.sort())
    }
  })

  test('a list of them is read at the commas, and a bad one is named', () => {
    expect(networkList.parse('10.0.0.0/8, fd00::/8,')).toHaveLength(2)
    expect(() => networkList.parse('10.0.0.0/8,nonsense')).toThrow('"nonsense" is no network')
  })
})
