import { expect, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import { relayCommands } from '../../src/commands/chat-udp/relay-commands.ts'
import { serverCommands } from '../../src/serve/operator-commands.ts'
import { carryOut, type OperatorTable } from '../../src/terminal/operator-console.ts'

/** What no refused command may touch. */
const untouchable = new Proxy(
  {},
  {
    get(_, name) {
      throw new Error(`${String(name)} was touched`)
    },
  },
)

const tables: readonly (readonly [name: string, table: OperatorTable<never>])[] = [
  ['server', serverCommands],
  ['relay', relayCommands],
]

const lines = tables.flatMap(([name, table]) =>
  Object.values(table)
    .filter(({ text }) => text !== true)
    .flatMap(({ usage }) => {
      const [command = '', argument = ''] = usage.split(' ')
      const words = argument === '' ? [''] : argument.split('|').map((word) => ` ${word === '[N]' ? '5' : word}`)
      return words.map((word) => [name, `${command}${word} Ivan`, usage, table] as const)
    }),
)

test.each(lines)('%s: "%s" does nothing and tells the usage', async (_name, line, usage, table) => {
  // The target is never looked at, whatever its type.
  const commands = { table, target: untouchable as never, record: () => {} }
  const text = `"Ivan" is one word too many (type: ${usage})`
  expect(await carryOut(line, commands)).toEqual({ text, exit: ExitCode.usage })
})

test.each(tables)('%s: every command is called by the first word of its usage', (_name, table) => {
  expect(Object.values(table).map(({ usage }) => usage.split(' ')[0])).toEqual(Object.keys(table))
})
