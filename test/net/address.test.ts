import { describe, expect, test } from '@jest/globals'
import { ExitCode, UsageError } from '../../src/base/errors.ts'
import { formatEndpoint, isLoopback, parseEndpoint, plainAddress } from '../../src/net/address.ts'
import { connectError } from '../../src/net/connect-error.ts'
import { sniffDialect } from '../../src/net/dialect.ts'

describe('parseEndpoint', () => {
  test.each<[string, object]>([
    ['example.org', { host: 'example.org' }],
    ['example.org:80', { host: 'example.org', port: 80 }],
    [' 10.0.0.1:9007 ', { host: '10.0.0.1', port: 9007 }],
    ['::1', { host: '::1' }],
    ['[::1]', { host: '::1' }],
    ['[::1]:9007', { host: '::1', port: 9007 }],
    ['fe80::1%eth0', { host: 'fe80::1%eth0' }],
    ['[fe80::1%eth0]:1', { host: 'fe80::1%eth0', port: 1 }],
    ['::ffff:10.0.0.1', { host: '::ffff:10.0.0.1' }],
  ])('%s', (text, expected) => {
    expect(parseEndpoint(text)).toEqual(expected)
  })

  test.each([
    '',
    ':80',
    'host:',
    'host:0',
    'host:65536',
    'host:x',
    '[::1',
    '[::1]80',
    '[host]:80',
    '1:2:3',
    'a b',
    '[::1]:',
  ])('%j is refused', (text) => {
    expect(() => parseEndpoint(text)).toThrow(UsageError)
  })

  test('formatEndpoint is its inverse', () => {
    for (const host of ['localhost', '127.0.0.1', '::1', 'fe80::1%eth0']) {
      expect(parseEndpoint(formatEndpoint(host, 9007))).toEqual({ host, port: 9007 })
    }
  })
})

test.each([
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['::FFFF:127.0.0.1', '127.0.0.1'],
  ['10.1.2.3', '10.1.2.3'],
  ['::1', '::1'],
  ['2001:db8::ffff:1', '2001:db8::ffff:1'],
])('plainAddress %s is %s', (address, plain) => {
  expect(plainAddress(address)).toBe(plain)
})

test.each<[string, boolean]>([
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:7f00:1', true],
  ['128.0.0.1', false],
  ['10.0.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['::2', false],
  ['::', false],
  ['0.0.0.0', false],
  ['127.0.0.1.example.org', false],
  ['localhost', false],
  ['', false],
])('isLoopback %s: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected)
})

test.each<[number | undefined, string]>([
  [0x16, 'tls'],
  [0x00, 'frames'],
  [0x47, 'text'],
  [0xff, 'text'],
  [0x0a, 'text'],
  [0x01, 'text'],
  [undefined, 'text'],
])('a peer that begins with %p speaks %s', (byte, dialect) => {
  expect(sniffDialect(byte)).toBe(dialect)
})

const systemError = (code: string, address?: string): Error =>
  Object.assign(new Error(code), { code, ...(address !== undefined && { address }) })

describe('connectError', () => {
  test.each<[string, RegExp]>([
    ['ECONNREFUSED', /nothing is listening on \[::1\]:9007/],
    ['EHOSTUNREACH', /::1 cannot be reached/],
    ['ENETUNREACH', /no network leads to ::1/],
    ['ETIMEDOUT', /\[::1\]:9007 did not answer in time/],
    ['ENOTFOUND', /no host named "::1"/],
    ['EAI_AGAIN', /could not be looked up/],
    ['ECONNRESET', /reset by the other side/],
    ['EPIPE', /closed the connection while there was more to send/],
    ['EADDRNOTAVAIL', /no address from which/],
    ['EACCES', /does not allow/],
    ['EMFILE', /too many files/],
    ['EINVAL', /not an address/],
    ['ESOMETHING', /\(ESOMETHING\)/],
  ])('%s is one sentence with a next step and exit 69', (code, sentence) => {
    const error = connectError(systemError(code), '::1', 9007)
    expect(error.message).toMatch(sentence)
    expect(error.message).not.toMatch(/\.$|\n/)
    expect(error.hint).toMatch(/\w/)
    expect(error).toMatchObject({ code, exit: ExitCode.unavailable })
  })

  test('several addresses are named with what happened at each, and a refusal counts more than silence', () => {
    const attempts = [systemError('ECONNREFUSED', '::1'), systemError('ETIMEDOUT', '127.0.0.1')]
    const error = connectError(new AggregateError(attempts), 'localhost', 80)
    expect(error.code).toBe('ECONNREFUSED')
    expect(error.message).toBe(
      'connection refused: nothing is listening on localhost:80 (tried ::1: ECONNREFUSED, 127.0.0.1: ETIMEDOUT)',
    )
  })

  test('something that is no system error still gives a sentence', () => {
    expect(connectError('odd', 'h', 1).message).toBe('the connection to h:1 failed (UNKNOWN)')
  })
})
