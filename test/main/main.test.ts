import { describe, expect, test } from '@jest/globals'
import { NetworkError, ProtocolError, StorageError, UsageError } from '../../src/base/errors.ts'
import { judge } from '../../src/main/main.ts'
import { withoutNodeVariables } from '../../src/main/standalone/environment.ts'
import { PromptClosed } from '../../src/options/ask.ts'

const quiet = new AbortController().signal
const aborted = (reason: string) => AbortSignal.abort(reason)

describe('judge', () => {
  test.each([
    [new UsageError('bad port'), 64, 'netlab: bad port\n'],
    [new UsageError('bad port', { hint: 'try 80' }), 64, 'netlab: bad port\n  try 80\n'],
    [new NetworkError('ECONNREFUSED', 'nobody listens'), 69, 'netlab: nobody listens\n'],
    [new StorageError('ENOSPC', 'disk full'), 74, 'netlab: disk full\n'],
    [new ProtocolError('FRAME', 'nonsense \x1b[2J\r\nmore'), 76, 'netlab: nonsense \\x1b[2J\\r\\nmore\n'],
    [new PromptClosed(), 130, ''],
  ])('%p', (error, exit, text) => {
    expect(judge(error, quiet, false)).toEqual({ exit, text })
  })

  test.each([new TypeError('oops\n  at x'), 'oops', { toString: () => 'oops' }])(
    'anything else is our bug',
    (error) => {
      const { exit, text } = judge(error, quiet, false)
      expect(exit).toBe(70)
      expect(text).toMatch(/^netlab: internal error: oops\n {2}this is a bug in netlab.*NETLAB_DEBUG=1.*\n$/)
      expect(text).not.toContain('at x')
    },
  )

  test('the stack is shown when asked for', () => {
    expect(judge(new TypeError('oops'), quiet, true).text).toMatch(/TypeError: oops\n +at /)
    expect(judge(new UsageError('oops'), quiet, true).text).toMatch(/^netlab: oops\n.*UsageError: oops/s)
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ])('an end by %s is quiet', (signal, exit) => {
    const abortError = Object.assign(new Error('aborted'), { name: 'AbortError' })
    for (const error of [signal, abortError, new PromptClosed()]) {
      expect(judge(error, aborted(signal), false)).toEqual({ exit, text: '' })
    }
  })

  test('a fault during such an end is still told', () => {
    expect(judge(new StorageError('ENOSPC', 'disk full'), aborted('SIGINT'), false).exit).toBe(74)
    expect(judge(new TypeError('oops'), aborted('SIGINT'), false).exit).toBe(70)
  })
})

test.each([
  ['NODE_OPTIONS', false],
  ['node_options', false],
  ['NODE_PATH', false],
  ['OPENSSL_CONF', false],
  ['SSL_CERT_FILE', false],
  ['NODE_V8_COVERAGE', true],
  ['NODE_DEBUG', true],
  ['NODE_COMPILE_CACHE', true],
  ['NODE_SOMETHING_NEW', true],
  ['WATCH_REPORT_DEPENDENCIES', true],
])('the standalone binary leaves %s behind, and starts anew for it: %p', (name, acted) => {
  const environment = { NETLAB_PORT: '1' }
  expect(withoutNodeVariables({ [name]: 'x', ...environment }, [])).toEqual({ environment, acted })
})

test.each([
  [['serve', 'echo'], {}, false],
  [['serve', 'echo', '--tls'], {}, true],
  [['connect', '--tls-ca', 'ca.pem'], {}, true],
  [['serve', 'echo'], { NETLAB_TLS: '1' }, true],
])('certificates to trust matter with TLS only: %j %j', (words, environment, acted) => {
  expect(withoutNodeVariables({ NODE_EXTRA_CA_CERTS: 'x', ...environment }, words)).toEqual({ environment, acted })
})

test.each(['NODE_ENV', 'NODE_VERSION', 'NETLAB_NODE_OPTIONS', 'MY_OPENSSL_CONF', 'PATH'])(
  'the standalone binary keeps %s',
  (name) => expect(withoutNodeVariables({ [name]: 'x' }, [])).toBeUndefined(),
)
