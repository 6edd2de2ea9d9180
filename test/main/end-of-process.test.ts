import { describe, expect, test } from '@jest/globals'
import { startDemo } from '../support/demo.ts'

describe('the end of the process', () => {
  test('an answer larger than any pipe arrives whole before the exit', async () => {
    const demo = startDemo(['write', '--size', '3m'])
    demo.process.stdin.end()
    const { stdout, exitCode } = await demo.finished()
    expect({ length: stdout.length, exitCode }).toEqual({ length: 3 * 1_048_576, exitCode: 1 })
  })

  test('bug: what V8 still compiled when the process ended kept it from ending, one time in five after much work', async () => {
    const all = Array.from({ length: 12 }, (_, n) => startDemo(['toil', '--rounds', `${20 + 7 * n}`]).finished())
    for (const { exitCode } of await Promise.all(all)) expect(exitCode).toBe(0)
  })

  test('a reader that goes away is a quiet end', async () => {
    const demo = startDemo(['write', '--size', '3m'])
    await demo.stdout.waitFor('xxx')
    demo.process.stdout.destroy()
    expect(await demo.finished()).toMatchObject({ stderr: '', exitCode: 0 })
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const)('%s ends a command that obeys, quietly, with %d', async (signal, exitCode) => {
    const demo = startDemo(['wait'])
    await demo.line(/waiting/)
    const stdout = `waiting\nasked to end by ${signal}\nleft\n`
    expect(await demo.stop(signal)).toEqual({ stdout, stderr: '', exitCode, signal: null })
  })

  test('a second signal ends one that does not, and what must not be lost is still called', async () => {
    const demo = startDemo(['wait', '--stubborn'])
    await demo.line(/waiting/)
    demo.process.kill('SIGINT')
    await demo.line(/asked to end by SIGINT/)
    // Signals close together count as one, so it takes a few.
    const again = setInterval(() => demo.process.kill('SIGTERM'), 50)
    const { stdout, exitCode } = await demo.finished().finally(() => clearInterval(again))
    expect({ stdout, exitCode }).toEqual({ stdout: 'waiting\nasked to end by SIGINT\nleft\n', exitCode: 143 })
  })

  test.each(['throw', 'later', 'reject'])('a bug (%s) is one line and 70, with its hooks run', async (how) => {
    const demo = startDemo(['break', how])
    expect(await demo.finished()).toEqual({
      stdout: 'left\n',
      stderr:
        'netlab: internal error: oops\n  this is a bug in netlab; run it again with NETLAB_DEBUG=1 to see where\n',
      exitCode: 70,
      signal: null,
    })
  })

  test('a command that forgets to end is a bug too', async () => {
    const { stdout, stderr, exitCode } = await startDemo(['break', 'forget']).finished()
    expect(stderr).toMatch(/^netlab: internal error: nothing was left to wait for/)
    expect({ stdout, exitCode }).toEqual({ stdout: 'left\n', exitCode: 70 })
  })

  test('NETLAB_DEBUG shows where', async () => {
    const { stderr } = await startDemo(['break', 'later'], { NETLAB_DEBUG: '1' }).finished()
    expect(stderr).toMatch(/TypeError: oops\n +at .*demo-cli/)
  })
})
