import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { allPorts, likelyPorts, parsePorts, topPorts } from '../../src/scan/ports.ts'
import { formatRanges, parseRanges } from '../../src/scan/ranges.ts'
import { namedPorts, serviceName, servicePort } from '../../src/scan/services.ts'

describe('ports', () => {
  test.each([
    ['22', [22]],
    ['22,80,8000-8003,https', [22, 80, 443, 8000, 8001, 8002, 8003]],
    ['HTTP, ssh', [22, 80]],
    ['-3', [1, 2, 3]],
    ['65533-', [65533, 65534, 65535]],
    ['80,22,80,20-23', [20, 21, 22, 23, 80]],
    ['postgres', [5432]],
  ])('%s', (text, ports) => {
    expect(parsePorts(text)).toEqual(ports)
  })

  test('all of them, also when one is named twice', () => {
    expect(allPorts()).toHaveLength(65_535)
    for (const text of ['-', '1-65535', '1-65535,80']) expect(parsePorts(text)).toEqual(allPorts())
  })

  test.each([
    ['', 'a port is needed'],
    ['22,,80', '"22,,80" has an empty piece'],
    ['0', 'port 0 is not between 1 and 65535'],
    ['65536', 'port 65536 is not between 1 and 65535'],
    ['22,70000-80000', 'port 70000 in "70000-80000" is not between'],
    ['1-99999', 'port 99999 in "1-99999" is not between'],
    ['-0', 'port 0 in "-0" is not between'],
    ['100-50', '"100-50" runs backwards'],
    ['22,nonsense', '"nonsense" is neither a port, a range such as 8000-8100, nor a service'],
    ['1.5', '"1.5" is neither'],
    ['1-2-3', '"1-2-3" is neither'],
    ['constructor', '"constructor" is neither'],
  ])('refuses %j and names the piece', (text, message) => {
    expect(() => parsePorts(text)).toThrow(message)
  })

  test('property: any list comes out ascending, once each, and survives being written and read', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 200 }), (list) => {
        const ports = parsePorts(list.join(','))
        expect(ports).toEqual(list.toSorted((a, b) => a - b))
        expect(parsePorts(formatRanges(ports))).toEqual(ports)
      }),
    )
  })

  test('compact text', () => {
    expect(formatRanges([])).toBe('')
    expect(formatRanges([1, 2, 3, 5, 8, 9])).toBe('1-3,5,8-9')
    expect(formatRanges(allPorts())).toBe('1-65535')
    expect([...parseRanges('1-3,5,8-9', 9)]).toEqual([
      [1, 3],
      [5, 5],
      [8, 9],
    ])
    expect([...parseRanges('', 9)]).toEqual([])
  })

  test.each(['1-10', '3-1', '5,4', '5,5', 'x', '1,', '-3', '1--2'])('%j is not what formatRanges writes', (text) => {
    expect(() => [...parseRanges(text, 9)]).toThrow(RangeError)
  })
})

describe('the likeliest ports', () => {
  test('the first few are what anyone would look at, ascending', () => {
    expect(topPorts(5)).toEqual([22, 80, 443, 8080, 8443])
    expect(topPorts(likelyPorts.length)).toHaveLength(likelyPorts.length)
  })

  test('each is a port and has one place', () => {
    expect(new Set(likelyPorts).size).toBe(likelyPorts.length)
    expect(likelyPorts.every((port) => Number.isInteger(port) && port >= 1 && port <= 65_535)).toBe(true)
    expect(likelyPorts.length).toBeGreaterThan(750)
  })
})

describe('services', () => {
  test.each([
    [22, 'ssh'],
    [80, 'http'],
    [443, 'https'],
    [5432, 'postgresql'],
    [3389, 'ms-wbt-server'],
    [27017, 'mongodb'],
  ])('port %i is registered for %s', (port, name) => {
    expect(serviceName(port)).toBe(name)
    expect(servicePort(name)).toBe(port)
  })

  test('a port that nobody registered has no name', () => {
    expect(serviceName(4)).toBeUndefined()
    expect(serviceName(65_535)).toBeUndefined()
  })

  test('names in daily use are understood; a name registered for several ports means the lowest', () => {
    expect(servicePort('Postgres')).toBe(5432)
    expect(servicePort('rdp')).toBe(3389)
    expect(servicePort('http-alt')).toBe(591)
    expect(servicePort('toString')).toBeUndefined()
  })

  test('the table is whole: several hundred services, each a port and a registry name (RFC 6335 5.1)', () => {
    const ports = namedPorts()
    expect(ports.length).toBeGreaterThan(700)
    for (const port of ports) {
      expect(port >= 1 && port <= 65_535).toBe(true)
      expect(serviceName(port)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,23}$/)
    }
  })
})
