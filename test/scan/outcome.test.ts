import { constants } from 'node:os'
import { describe, expect, test } from '@jest/globals'
import { CONNECTED, classify, SELF_CONNECTED, SILENT } from '../../src/scan/outcome.ts'

const { errno } = constants

describe('what an outcome means', () => {
  test.each([
    ['connected', CONNECTED, 'open', 'connected'],
    ['refused', errno.ECONNREFUSED, 'closed', 'refused'],
    ['accepted and reset at once', errno.ECONNRESET, 'open', 'connected'],
    ['no route to the host', errno.EHOSTUNREACH, 'unreachable', 'host-unreachable'],
    ['no route to the network', errno.ENETUNREACH, 'unreachable', 'network-unreachable'],
    ['forbidden', errno.EACCES, 'filtered', 'admin-prohibited'],
  ])('%s', (_, outcome, state, reason) => {
    expect(classify(outcome)).toEqual({ kind: 'answer', state, reason })
  })

  test('only a refusal is closed: no other error number there is', () => {
    const closed = Object.values(errno).filter((number) => {
      const verdict = classify(number)
      return verdict.kind === 'answer' && verdict.state === 'closed'
    })
    expect(closed).toEqual([errno.ECONNREFUSED])
  })

  test.each(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'EAGAIN', 'ENOMEM'] as const)(
    '%s is a shortage of ours',
    (code) => {
      expect(classify(errno[code])).toEqual({ kind: 'local', code, shortage: true })
    },
  )

  test('silence is silence, whoever noticed it', () => {
    expect([classify(SILENT), classify(errno.ETIMEDOUT)]).toEqual([{ kind: 'silence' }, { kind: 'silence' }])
  })

  test('a connect that met itself says nothing about the port', () => {
    expect(classify(SELF_CONNECTED)).toEqual({ kind: 'local', code: 'SELF_CONNECT', shortage: false })
  })
})
