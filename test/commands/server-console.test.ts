import { once } from 'node:events'
import { Writable } from 'node:stream'
import { expect, test } from '@jest/globals'
import type { CommandContext } from '../../src/commands/command.ts'
import { commandLimits } from '../../src/commands/limits.ts'
import { createServerConsole } from '../../src/commands/server-console.ts'
import { fakeContext } from '../support/fake-context.ts'

test('talk that nobody reads is counted instead of kept, and its number told later', async () => {
  const reader = Promise.withResolvers<void>()
  const lines: string[] = []
  const stderr = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(...String(chunk).split('\n').slice(0, -1))
      void reader.promise.then(() => done())
    },
  })
  const context = { ...fakeContext().context, stderr: stderr as unknown as CommandContext['stderr'] }
  const { talk } = createServerConsole(context, true)
  const line = 'x'.repeat(1023)
  const said = (2 * commandLimits.diagnosticsBytes) / (line.length + 1)
  for (let count = 0; count < said; count++) talk(line)
  expect(stderr.writableLength).toBeLessThan(commandLimits.diagnosticsBytes + 2 * line.length)
  reader.resolve()
  await once(stderr, 'drain')
  const shown = lines.length
  talk('the next')
  stderr.end()
  await once(stderr, 'finish')
  expect(lines.slice(shown)).toEqual([
    `(${said - shown} lines were not shown: standard error was read too slowly)`,
    'the next',
  ])
})
