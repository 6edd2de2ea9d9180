import { describe, expect, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import { connectError } from '../../src/net/connect-error.ts'

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
