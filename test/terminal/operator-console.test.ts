import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { ExitCode, UsageError } from '../../src/base/errors.ts'
import type { NetlabEvent } from '../../src/base/events.ts'
import { terminalLimits } from '../../src/terminal/limits.ts'
import {
  carryOut,
  completeUsage,
  nothingDone,
  OperatorConsole,
  type OperatorTable,
  unquoted,
} from '../../src/terminal/operator-console.ts'

interface Target {
  readonly done: string[]
}

const table: OperatorTable<Target> = {
  status: { usage: 'status', summary: 'how it is', run: () => 'well' },
  kick: { usage: 'kick ID', summary: 'end one', run: ([id = 'nobody'], { done }) => `kicked ${done.push(id)}: ${id}` },
  say: {
    usage: 'say TEXT',
    summary: 'tell all',
    text: true,
    run: ([text = ''], { done }) => `said ${done.push(text)}`,
  },
  clear: {
    usage: 'clear logs|users',
    summary: 'forget',
    run() {
      throw new UsageError('clear what?', { hint: 'clear logs, or clear users' })
    },
  },
  forget: {
    usage: 'forget',
    summary: 'for good',
    asks: true,
    async run(_words, { done }, { confirm }) {
      await confirm('Forget all?', 'type: forget all')
      return `forgot ${done.push('all')}`
    },
  },
  miss: { usage: 'miss', summary: 'finds nobody', run: () => Promise.reject(nothingDone('nobody is called so')) },
  fail: {
    usage: 'fail',
    summary: 'goes wrong',
    run: () => Promise.reject(new Error('a bug')),
  },
}

function operator() {
  const target: Target = { done: [] }
  const events: NetlabEvent[] = []
  const commands = { table, target, record: (event: NetlabEvent) => void events.push(event) }
  return {
    target,
    events,
    type: async (line: string) => (await carryOut(line, commands)).text,
    exitOf: async (line: string) => (await carryOut(line, commands)).exit,
  }
}

describe('a line that an operator types', () => {
  test.each([
    ['', ''],
    ['  \t ', ''],
    ['status', 'well'],
    ['  STATUS  ', 'well'],
    ['kick 7', 'kicked 1: 7'],
    ['kick', 'kicked 1: nobody'],
    ['clear', 'clear what? (clear logs, or clear users)'],
    ['status now', '"now" is one word too many (type: status)'],
    ['kick 3 4', '"4" is one word too many (type: kick ID)'],
    ['clear users Ivan', '"Ivan" is one word too many (type: clear logs|users)'],
    ['help me', '"me" is one word too many (type: help)'],
    ['Halp', '"Halp" is no command; did you mean help? "help" shows what you can type here'],
    ['frobnicate', '"frobnicate" is no command; "help" shows what you can type here'],
    ['constructor', '"constructor" is no command; "help" shows what you can type here'],
  ])('%j is answered %j', async (line, answer) => {
    expect(await operator().type(line)).toBe(answer)
  })

  test.each([
    ['', ExitCode.ok],
    ['status', ExitCode.ok],
    ['help', ExitCode.ok],
    ['miss', ExitCode.negative],
    ['status now', ExitCode.usage],
    ['frobnicate', ExitCode.usage],
    ['fail', ExitCode.software],
  ])('%j has exit code %i for a script', async (line, exit) => {
    expect(await operator().exitOf(line)).toBe(exit)
  })

  test('keeps the spaces of a text', async () => {
    const { type, target } = operator()
    expect(await type('say  dinner  is ready ')).toBe('said 1')
    expect(target.done).toEqual(['dinner  is ready'])
  })

  test('that fails is answered, and recorded as a fault', async () => {
    const { type, events } = operator()
    expect(await type('fail')).toBe('a bug')
    expect(events).toEqual([{ type: 'fault', where: 'operator console', error: 'a bug' }])
  })

  test('that asks does nothing where nobody can be asked, and tells how it is said at once', async () => {
    const { type, exitOf, target } = operator()
    expect(await type('forget')).toBe('Forget all? (type: forget all)')
    expect(await exitOf('forget')).toBe(ExitCode.usage)
    expect(target.done).toEqual([])
  })

  test('that asks takes --yes as the answer; others have one word too many then', async () => {
    const { type, target } = operator()
    expect(await type('forget --yes')).toBe('forgot 1')
    expect(await type('forget --YES')).toMatch(/one word too many/)
    expect(await type('status --yes')).toBe('"--yes" is one word too many (type: status)')
    expect(await type('say are you sure --yes')).toBe('said 2')
    expect(target.done).toEqual(['all', 'are you sure --yes'])
  })

  test('has words in quotes, which count as one', async () => {
    const { type } = operator()
    expect(await type('kick "Ann Lee"')).toBe('kicked 1: "Ann Lee"')
    expect(unquoted('"Ann Lee"')).toBe('Ann Lee')
    expect(unquoted('"Ann')).toBe('"Ann')
  })

  test('help lists the table', async () => {
    expect(await operator().type('help')).toBe(
      ['help              what you can type here', 'status            how it is', 'kick ID           end one']
        .concat(
          ['say TEXT          tell all', 'clear logs|users  forget', 'forget            for good'].concat([
            'miss              finds nobody',
            'fail              goes wrong',
          ]),
        )
        .join('\n'),
    )
  })
})

test.each([
  ['cl', ['clients ', 'clear logs ', 'clear users ']],
  ['clear ', ['clear logs ', 'clear users ']],
  ['clear u', ['clear users ']],
  ['ki', ['kick ']],
  ['lo', ['logs ']],
  ['kick 1', []],
  ['x', []],
  ['', []],
])('Tab after "%s"', (typed, found) => {
  expect(completeUsage(typed, ['clients', 'clear logs|users', 'kick ID', 'logs [-f] [N]'])).toEqual({
    word: typed,
    found,
  })
})

test('diagnostics that nobody reads are counted instead of kept, and their number told later', async () => {
  const reader = Promise.withResolvers<void>()
  const lines: string[] = []
  const stderr = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(...String(chunk).split('\n').slice(0, -1))
      void reader.promise.then(() => done())
    },
  })
  const streams = { stdin: new PassThrough(), stdinKind: 'pipe', stdout: new PassThrough(), stderr } as const
  const { diagnostic } = new OperatorConsole({ ...streams, isDumb: false, interrupt: () => {} }, true)
  const line = 'x'.repeat(1023)
  const said = (2 * terminalLimits.diagnosticsBytes) / (line.length + 1)
  for (let count = 0; count < said; count++) diagnostic(line)
  expect(stderr.writableLength).toBeLessThan(terminalLimits.diagnosticsBytes + 2 * line.length)
  reader.resolve()
  await once(stderr, 'drain')
  const shown = lines.length
  diagnostic('the next')
  stderr.end()
  await once(stderr, 'finish')
  expect(lines.slice(shown)).toEqual([
    `(${said - shown} lines were not shown: standard error was read too slowly)`,
    'the next',
  ])
})
