import { expect, test } from '@jest/globals'
import { namedPorts, serviceName, servicePort } from '../../src/scan/services.ts'

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
