import { expect, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import { relayCommands } from '../../src/commands/chat-udp/relay-commands.ts'
import { accountCommands } from '../../src/protocols/account-commands.ts'
import { chatCommands } from '../../src/protocols/chat-commands.ts'
import { commandsWith, serverCommands } from '../../src/serve/operator-commands.ts'
import {
  agreed,
  carryOut,
  nothingDone,
  type Operator,
  type OperatorTable,
} from '../../src/terminal/operator-console.ts'

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
  ['auth', commandsWith(accountCommands('users'))],
  ['ident', commandsWith(accountCommands('hosts'))],
  ['chat', commandsWith(chatCommands())],
  ['relay', relayCommands],
]

/** Each with as many words as it takes, and one more. */
const lines = tables.flatMap(([name, table]) =>
  Object.values(table)
    .filter(({ text }) => text !== true)
    .flatMap(({ usage }) => {
      const [command, first = '', ...more] = usage.replace('[N]', '5').replace(/[[\]]/g, '').split(' ')
      return first.split('|').map((word) => [name, [command, word, ...more, 'Ivan'].join(' '), table] as const)
    }),
)

test.each(lines)('%s: "%s" does nothing and tells the usage', async (_name, line, table) => {
  // The target is never looked at, whatever its type.
  const commands = { table, target: untouchable as never, record: () => {} }
  const { text, exit } = await carryOut(line, commands)
  expect(text).toMatch(/("\w+" is one word too many|not only \w+) \(type: [^)]+\)$/)
  expect(exit).toBe(ExitCode.usage)
})

test.each(tables.filter(([name]) => name !== 'server' && name !== 'relay'))(
  '%s: "clear users" asks, does nothing in a pipe, and is done with --yes or "all"',
  async (_name, table) => {
    const done: (readonly string[])[] = []
    const server = { command: async (words: readonly string[]) => String(done.push(words)) }
    const type = (line: string, operator?: Operator) =>
      carryOut(line, { table, target: { server } as never, record: () => {} }, operator)
    expect(await type('clear users')).toEqual({
      text: 'This forgets every account, every host and every session. (add --yes to do it)',
      exit: ExitCode.usage,
    })
    const refusing = { confirm: () => Promise.reject(nothingDone('nothing was done')) }
    expect(await type('clear users', refusing)).toEqual({ text: 'nothing was done', exit: ExitCode.negative })
    expect(done).toEqual([])
    for (const line of ['clear users --yes', 'clear users all']) expect((await type(line)).exit).toBe(ExitCode.ok)
    expect((await type('clear users', agreed)).exit).toBe(ExitCode.ok)
    expect(done.map(([name, what]) => [name, what])).toEqual(Array(3).fill(['clear', 'users']))
  },
)

test.each(tables)('%s: every command is called by the first word of its usage', (_name, table) => {
  expect(Object.values(table).map(({ usage }) => usage.split(' ')[0])).toEqual(Object.keys(table))
})
