import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { locate, syntaxErrorOffset } from '../../src/accounts/json-position.ts'
import { formatUsers, hostKey, parseUsers, UserBook } from '../../src/accounts/users-file.ts'
import { StorageError } from '../../src/base/errors.ts'
import { sourceKey } from '../../src/net/ip.ts'
import { codePoint } from '../support/any-text.ts'
import { someHash } from './support.ts'

const since = '2026-01-02T03:04:05.678Z'
const empty = '{\n  "version": 1,\n  "hosts": [],\n  "users": []\n}\n'
const text = (book: UserBook) => [...formatUsers(book)].join('')

function sample(hosts: number, users: number): UserBook {
  const book = new UserBook()
  for (let n = 0; n < hosts; n++) {
    book.addHost({ address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, name: `Host "${n}"`, since })
  }
  for (let n = 0; n < users; n++) book.setUser({ name: `User ${n}`, hash: someHash(n), since, id: `id-${n}` })
  return book
}

describe('the text of a users file', () => {
  test('of an empty store', () => {
    expect(text(new UserBook())).toBe(empty)
  })

  test('has a record a line', () => {
    expect(text(sample(1, 2)).split('\n')).toEqual([
      '{',
      '  "version": 1,',
      '  "hosts": [',
      `    {"address":"10.0.0.0","name":"Host \\"0\\"","since":"${since}"}`,
      '  ],',
      '  "users": [',
      `    {"name":"User 0","hash":"${someHash(0)}","since":"${since}","id":"id-0"},`,
      `    {"name":"User 1","hash":"${someHash(1)}","since":"${since}","id":"id-1"}`,
      '  ]',
      '}',
      '',
    ])
  })

  test('has ids, always the same ones where an older netlab wrote none', () => {
    const record = `{"name":"Ada","hash":"${someHash(0)}","since":"${since}"`
    const read = (user: string) => parseUsers(`{"version":1,"hosts":[],"users":[${user}]}`, 'users.json').user('Ada')
    const first = read(`${record}}`)?.id
    expect(first).toMatch(/^[\w-]{12}$/)
    expect(read(`${record}}`)?.id).toBe(first)
    expect(read(`${record},"id":"mine"}`)?.id).toBe('mine')
    for (const id of ['""', '1', 'null', '"a b"', `"${'x'.repeat(65)}"`]) {
      expect(() => read(`${record},"id":${id}}`)).toThrow('"id" has 1 to 64 letters')
    }
    const twice = `${record},"id":"mine"},{"name":"Bob","hash":"${someHash(1)}","since":"${since}","id":"mine"}`
    expect(() => read(twice)).toThrow('this id stands here twice')
  })

  test('has bans and one-time passwords, and comes back the same', () => {
    const book = sample(1, 1)
    book.setUser({ name: 'Eve', hash: someHash(7), since, id: 'eve', oneTime: true })
    book.bans = [
      { account: 'eve', name: 'Eve', since },
      { address: '10.0.0.0/8', since, until: '2026-01-03T00:00:00.000Z' },
    ]
    const again = parseUsers(text(book).replace('Host \\"0\\"', 'Lab'), 'users.json')
    expect(again.bans).toEqual(book.bans)
    expect([again.user('Eve')?.oneTime, again.user('User 0')?.oneTime]).toEqual([true, undefined])
    expect(again.account('eve')?.name).toBe('Eve')
  })

  test.each([
    ['{}', '"address" is a network'],
    [`{"address":"10.0.0.0/33","since":"${since}"}`, '"address" is a network'],
    [`{"account":"x","since":"${since}"}`, 'a ban has an "account" with its "name", or an "address"'],
    [`{"account":"x","name":"X","address":"10.0.0.1","since":"${since}"}`, 'a ban has an "account"'],
    [`{"address":"10.0.0.1"}`, '"since" is a date'],
    [`{"address":"10.0.0.1","since":"${since}","until":"soon"}`, '"since" is a date'],
  ])('with the ban %s is refused', (ban, what) => {
    expect(() => parseUsers(`{"version":1,"hosts":[],"users":[],"bans":[${ban}]}`, 'users.json')).toThrow(what)
  })

  test('is read behind a byte order mark, as some editors leave it', () => {
    expect(text(parseUsers(`\uFEFF${empty}`, 'users.json'))).toBe(empty)
  })

  test('is read back as it was, whatever its size', () => {
    fc.assert(
      fc.property(fc.nat(2100), fc.nat(2100), (hosts, users) => {
        const written = text(sample(hosts, users))
        expect(text(parseUsers(written, 'users.json'))).toBe(written)
      }),
      {
        numRuns: 10,
        examples: [
          [0, 1],
          [1, 0],
          [999, 1000],
          [1001, 2000],
        ],
      },
    )
  })
})

test('an IPv6 address is read in whatever form a person wrote it, and written as RFC 5952 wants it', () => {
  const written = `{"version": 1, "hosts": [{"address":"2001:DB8:0:0:0:0:0:7","name":"Ada","since":"${since}"}], "users": []}`
  const book = parseUsers(written, 'users.json')
  expect(book.host('2001:db8::7')?.name).toBe('Ada')
  expect(text(book)).toContain('{"address":"2001:db8::7","name":"Ada"')
})

const user = `{"name":"Ada","hash":"${someHash()}","since":"${since}"}`
const host = `{"address":"10.0.0.1","name":"Ada","since":"${since}"}`
const file = (hosts: string, users: string) => `{"version": 1, "hosts": [${hosts}],\n"users": [${users}]}`

test('bug: an IPv6 address that somebody wrote into the file by hand, in its usual form, was called damage', () => {
  const book = parseUsers(file(host.replace('10.0.0.1', '2001:DB8:0:0::7'), ''), 'some/users.json')
  expect(book.host('2001:db8::7')?.name).toBe('Ada')
})

describe('a damaged users file is refused with the place', () => {
  test.each([
    ['', 1, 1, 'not JSON'],
    [empty.slice(0, 30), 3, 13, 'not JSON'],
    ['{\n  "version": 1,\n  hosts: []\n}', 3, 3, 'not JSON'],
    ['\0\0\0', 1, 1, 'not JSON'],
    ['[]', 1, 1, 'an object'],
    ['null', 1, 1, 'an object'],
    ['{"hosts": [], "users": []}', 1, 1, 'only version 1'],
    ['{"hosts": [], "users": [],\n "version": 2}', 2, 13, 'only version 1'],
    ['{"version": 1, "hosts": {}, "users": []}', 1, 25, '"hosts" must be a list'],
    ['{"version": 1, "hosts": []}', 1, 1, '"users" must be a list'],
    [file('7', ''), 1, 26, 'a record'],
    [file('{}', ''), 1, 26, '"address"'],
    [file(host.replace('"10.0.0.1"', '""'), ''), 1, 37, '"address"'],
    [
      file(`${host.replace('10.0.0.1', '::1')},\n${host.replace('10.0.0.1', '0:0::1').replace('Ada', 'Bob')}`, ''),
      2,
      12,
      'twice',
    ],
    [file(`${host},\n${host.replace('Ada', 'Bob')}`, ''), 2, 12, 'twice'],
    [file(`${host},\n${host.replace('10.0.0.1', '::ffff:10.0.0.1').replace('Ada', 'Bob')}`, ''), 2, 12, 'twice'],
    [file(`${host},\n${host.replace('.1"', '.2"').replace('Ada', 'ADA')}`, ''), 2, 30, 'twice'],
    [file(host.replace('10.0.0.1', '10.0.1'), ''), 1, 37, '"address"'],
    [file('', user.replace('Ada', ' ')), 2, 19, '"name"'],
    [file('', user.replace('Ada', 'A\\u001b[2J')), 2, 19, '"name"'],
    [file('', user.replace('argon2id', 'argon2i')), 2, 32, '"hash"'],
    [file('', user.replace('m=19456', 'm=99999999')), 2, 32, '"hash"'],
    [file('', user.replace('m=19456', 'm=9999999')), 2, 32, '"hash"'],
    [file('', user.replace('m=19456', 'm=0')), 2, 32, '"hash"'],
    [file('', user.replace('m=19456', 'm=7')), 2, 32, '"hash"'],
    [file('', user.replace('m=19456,t=2,p=1', 'm=31,t=2,p=4')), 2, 32, '"hash"'],
    [file('', user.replace('m=19456', 'm=019456')), 2, 32, '"hash"'],
    [file('', user.replace('t=2', 't=0')), 2, 32, '"hash"'],
    [file('', user.replace('t=2', 't=00')), 2, 32, '"hash"'],
    [file('', user.replace('t=2', 't=65')), 2, 32, '"hash"'],
    [file('', user.replace('p=1', 'p=0')), 2, 32, '"hash"'],
    [file('', user.replace('p=1', 'p=65')), 2, 32, '"hash"'],
    [file('', user.replace(since, 'yesterday')), 2, user.indexOf('since') + 18, '"since"'],
    [file('', `${user}, ${user.replace('Ada', 'ada')}`), 2, user.length + 21, 'twice'],
  ])('%#: %j', (damaged, line, column, what) => {
    const error = refusal(damaged)
    expect(error).toMatchObject({ code: 'DAMAGED', exit: 74 })
    expect(error.message).toContain(`some/users.json is damaged at line ${line}, column ${column}: `)
    expect(error.message).toContain(what)
  })

  test('without quoting what stands there', () => {
    const error = refusal(`{"version":1,"hosts":[],"users":[{"hash":"$argon2id$secret"oops}]}`)
    expect(`${error.message} ${error.hint} ${error.cause}`).not.toContain('secret')
  })

  test('at any cut', () => {
    const whole = text(sample(2, 2)).trimEnd()
    for (let length = 0; length < whole.length; length++) {
      const { code } = refusal(whole.slice(0, length))
      expect(code).toBe('DAMAGED')
    }
  })
})

function refusal(damaged: string): StorageError {
  try {
    parseUsers(damaged, 'some/users.json')
  } catch (error) {
    if (error instanceof StorageError) return error
    throw error
  }
  throw new Error('the file was accepted')
}

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

describe('the place of a syntax error', () => {
  test.each([
    ['', 0],
    ['  ', 2],
    ['{', 1],
    ['{]', 1],
    ['[}', 1],
    ['[1,]', 3],
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['{a:1}', 1],
    ['[1 2]', 3],
    ['[01]', 2],
    ['["a\nb"]', 1],
    ['["\\x"]', 1],
    ['[nul]', 1],
    ['1 1', 2],
    ['[]]', 2],
    ['{},', 2],
    ['{"a":{"b":[{}]}', 15],
    ['\ufeff{}', 0],
    ['['.repeat(1_000_000), 1_000_000],
  ])('%#: %i', (text, offset) => {
    expect(syntaxErrorOffset(text)).toBe(offset)
  })

  test('is behind the end of every good text', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: codePoint }), (text) => {
        expect(syntaxErrorOffset(text)).toBe(text.length)
      }),
    )
  })

  test('of a broken text is at or before its first wrong character', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, seed) => {
        const at = seed % (text.length + 1)
        const broken = `${text.slice(0, at)}\u0001${text.slice(at)}`
        expect(syntaxErrorOffset(broken)).toBeLessThanOrEqual(at)
      }),
    )
  })
})

describe('the place of a value', () => {
  test.each([
    ['{"a":1}', [], 0],
    [' {"a" : 17}', ['a'], 8],
    ['{"a":{"b":[]},"c":2}', ['c'], 18],
    ['[{"x":"]}\\""}, [1, 22, 333]]', [1, 2], 23],
    ['{"\\u0061":7}', ['a'], 10],
    ['{"a":1}', ['b'], 0],
    ['{"a":[1]}', ['a', 5], 5],
    ['{"a":1}', ['a', 'b'], 5],
  ])('%j %j: %i', (text, path, offset) => {
    expect(locate(text, path)).toBe(offset)
  })

  test('starts the text that parses to that value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (record, seed) => {
        const keys = Object.keys(record)
        const key = keys[seed % Math.max(1, keys.length)]
        if (key === undefined) return
        const text = JSON.stringify(record)
        expect(text.slice(locate(text, [key])).startsWith(JSON.stringify(record[key]))).toBe(true)
      }),
    )
  })
})
