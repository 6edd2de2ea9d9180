import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { UserBook } from '../../src/accounts/user-book.ts'
import { formatUsers, parseUsers } from '../../src/accounts/users-file.ts'
import { StorageError } from '../../src/base/errors.ts'
import { someHash } from './support.ts'

const since = '2026-01-02T03:04:05.678Z'
const empty = '{\n  "version": 1,\n  "hosts": [],\n  "users": []\n}\n'
const text = (book: UserBook) => [...formatUsers(book)].join('')

function sample(hosts: number, users: number): UserBook {
  const book = new UserBook()
  for (let n = 0; n < hosts; n++) {
    book.addHost({ address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, name: `Host "${n}"`, since })
  }
  for (let n = 0; n < users; n++) book.setUser({ name: `User ${n}`, hash: someHash(n), since })
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
      `    {"name":"User 0","hash":"${someHash(0)}","since":"${since}"},`,
      `    {"name":"User 1","hash":"${someHash(1)}","since":"${since}"}`,
      '  ]',
      '}',
      '',
    ])
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
