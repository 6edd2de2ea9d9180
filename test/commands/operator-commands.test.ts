import { describe, expect, test } from '@jest/globals'
import { ExitCode, UsageError } from '../../src/base/errors.ts'
import type { NetlabEvent } from '../../src/base/events.ts'
import { relayCommands } from '../../src/commands/chat-udp/relay-commands.ts'
import { logLimits } from '../../src/log/limits.ts'
import { parseLogQuery } from '../../src/log/log-filter.ts'
import { accountCommands } from '../../src/protocols/account-commands.ts'
import { chatCommands } from '../../src/protocols/chat-commands.ts'
import { groupTable, serviceConsole } from '../../src/serve/group-commands.ts'
import { clearLog, logsCommand, type OperatorLog } from '../../src/serve/log-commands.ts'
import { commandsWith, serverCommands } from '../../src/serve/operator-commands.ts'
import {
  agreed,
  carryOut,
  nothingDone,
  type Operator,
  type OperatorTable,
  unasked,
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
    const refusing = { ...unasked, confirm: () => Promise.reject(nothingDone('nothing was done')) }
    expect(await type('clear users', refusing)).toEqual({ text: 'nothing was done', exit: ExitCode.negative })
    expect(done).toEqual([])
    for (const line of ['clear users --yes', 'clear users all']) expect((await type(line)).exit).toBe(ExitCode.ok)
    expect((await type('clear users', agreed(unasked))).exit).toBe(ExitCode.ok)
    expect(done.map(([name, what]) => [name, what])).toEqual(Array(3).fill(['clear', 'users']))
  },
)

test.each(tables)('%s: every command is called by the first word of its usage', (_name, table) => {
  expect(Object.values(table).map(({ usage }) => usage.split(' ')[0])).toEqual(Object.keys(table))
})

describe('the log', () => {
  const services = ['echo', 'chat']
  const log: OperatorLog = {
    services,
    tail: async ({ count }) => Array.from({ length: count }, (_, index) => `line ${index}`),
    follow: async () => undefined,
    clear: async () => {},
  }

  test('is shown as far as asked', async () => {
    expect((await logsCommand.run([], { log }, unasked)).split('\n')).toHaveLength(logLimits.tailCount)
    expect(await logsCommand.run(['2'], { log }, unasked)).toBe('line 0\nline 1')
    const empty = { log: { ...log, tail: async () => [] } }
    expect(await logsCommand.run([], empty, unasked)).toBe('the log is empty')
    expect(await logsCommand.run(['client 7'], empty, unasked)).toBe('no line of the log is like that')
  })

  test.each([
    ['', { count: logLimits.tailCount, follow: false, filter: { traffic: false } }],
    ['50 chat', { count: 50, follow: false, filter: { traffic: false, service: 'chat' } }],
    ['-f', { count: logLimits.tailCount, follow: true, filter: { traffic: false } }],
    ['client 7', { count: logLimits.tailCount, follow: false, filter: { traffic: false, client: 7 } }],
    ['client #7 traffic', { count: logLimits.tailCount, follow: false, filter: { traffic: true, client: 7 } }],
    ['WARNING 5', { count: 5, follow: false, filter: { traffic: false, level: 'warning' } }],
    [
      'process 4711 member 2',
      { count: logLimits.tailCount, follow: false, filter: { traffic: false, pid: 4711, member: 2 } },
    ],
    ['sent', { count: logLimits.tailCount, follow: false, filter: { traffic: true, event: 'sent' } }],
  ])('"logs %s" asks for %j', (words, query) => {
    expect(parseLogQuery(words.split(' ').filter(Boolean), services)).toEqual(query)
  })

  test.each([
    ['0', '0 is not between 1 and 10000'],
    ['-1', '"-1" is not a whole number'],
    ['1.5', '"1.5" is not a whole number'],
    ['10001', '10001 is not between 1 and 10000'],
    ['5 6', '"6" is one count too many'],
    ['chat echo', '"echo" is one service too many'],
    ['client', 'client what?'],
    ['client x', '"x" is not a whole number'],
    ['warnin', 'logs knows no "warnin"; did you mean warning?'],
    ['ident', 'logs knows no "ident"; did you mean identified?'],
    ['constructor', 'logs knows no "constructor"'],
  ])('"logs %s" is refused: %s', async (words, sentence) => {
    await expect(async () => logsCommand.run([words], { log }, unasked)).rejects.toThrow(new UsageError(sentence))
  })

  test('is cleared, and begins with that', async () => {
    const events: NetlabEvent[] = []
    expect(await clearLog({ log, record: (event) => void events.push(event) })).toBe('the log is empty')
    expect(events).toEqual([{ type: 'logs-cleared' }])
  })
})

describe('the console of several services', () => {
  const answers: string[] = []
  const service = (name: string, commands: Readonly<Record<string, (words: readonly string[]) => string>>) => {
    const table = Object.entries(commands).map(([command, run]) => {
      const does = (words: readonly string[]) => {
        answers.push(`${name} ${command}`)
        return run(words)
      }
      return [command, { usage: `${command} X`, summary: '', text: true, run: does }] as const
    })
    return serviceConsole(name, Object.fromEntries(table), undefined)
  }
  const nobody = () => {
    throw nothingDone('nobody is called so')
  }
  const services = [
    service('echo', { status: () => 'well', pause: nobody, kick: nobody, stop: () => 'stopping' }),
    service('auth', {
      status: () => 'fine',
      pause: () => 'paused',
      kick: nobody,
      stop: () => 'stopping',
      users: () => 'Ada',
    }),
    service('chat', {
      status: () => 'full\nhouse',
      pause: nobody,
      kick: () => 'gone',
      stop: () => 'stopping',
      users: () => 'all',
    }),
  ]
  const commands = { table: groupTable(services), target: undefined, record: () => {} }

  test.each([
    ['status', 'echo:\n  well\nauth:\n  fine\nchat:\n  full\n  house', ['echo status', 'auth status', 'chat status']],
    [
      'pause',
      'echo:\n  nobody is called so\nauth:\n  paused\nchat:\n  nobody is called so',
      ['echo pause', 'auth pause', 'chat pause'],
    ],
    ['kick Ada', 'chat: gone', ['echo kick', 'auth kick', 'chat kick']],
    ['users', 'all', ['chat users']],
    ['stop', 'stopping', ['echo stop']],
  ])('"%s" is answered', async (line, text, asked) => {
    expect(await carryOut(line, commands)).toEqual({ text, exit: ExitCode.ok })
    expect(answers.splice(0)).toEqual(asked)
  })

  test('a number of a client is refused, and what nobody can do is a negative answer', async () => {
    expect(await carryOut('kick #7', commands)).toMatchObject({
      text: expect.stringContaining('type: echo kick #7, or auth kick #7, or chat kick #7'),
      exit: ExitCode.usage,
    })
    const two = { ...commands, table: groupTable([services[0], services[0]].filter((one) => one !== undefined)) }
    expect(await carryOut('pause', two)).toEqual({ text: 'nobody is called so', exit: ExitCode.negative })
    expect((await carryOut('kick Ada', two)).exit).toBe(ExitCode.negative)
  })
})
