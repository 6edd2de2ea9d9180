import { describe, expect, jest, test } from '@jest/globals'
import { ExitCode } from '../../src/base/errors.ts'
import type { CommandNode } from '../../src/commands/command.ts'
import { type Command, defineCommand } from '../../src/commands/command.ts'
import { complete } from '../../src/main/complete.ts'
import { locate } from '../../src/main/locate.ts'
import { run } from '../../src/main/run.ts'
import { choice, flag, path, port } from '../../src/options/kinds.ts'
import { option } from '../../src/options/spec.ts'
import { fakeContext } from '../support/fake-context.ts'

const echo = defineCommand({
  name: 'echo',
  summary: 'returns it',
  options: {
    port: option({ kind: port, summary: 'which', default: 9007, alias: 'p' }),
    logTo: option<'file' | 'both'>({ kind: choice('file', 'both'), summary: 'where', default: 'file' }),
    logFile: option({ kind: path, summary: 'which', default: 'x.log' }),
    console: option({ kind: flag, summary: 'no operator', default: true }),
  },
  async run(values, { stdout }) {
    stdout.write(JSON.stringify(values))
    return ExitCode.negative
  },
})
const shell = defineCommand({
  name: 'shell',
  summary: 'names one',
  positionals: [{ name: 'which' }],
  options: { which: option<'bash' | 'zsh'>({ kind: choice('bash', 'zsh'), summary: 'name', default: 'bash' }) },
  run: async () => ExitCode.ok,
})

function setup() {
  const loads = {
    echo: jest.fn(async (): Promise<Command> => echo),
    shell: jest.fn(async (): Promise<Command> => shell),
  }
  const children = jest.fn(
    async (): Promise<CommandNode[]> => [{ name: 'echo', summary: 'returns it', load: loads.echo }],
  )
  const tree: CommandNode[] = [
    { name: 'serve', summary: 'starts a server', children },
    { name: 'shell', summary: 'names one', load: loads.shell },
  ]
  return { tree, loads, children }
}

describe('commands that may be one', () => {
  const one = async (name: string): Promise<Command> => ({ ...echo, name })
  const node = (name: string): CommandNode => ({ name, summary: '', load: () => one(name) })
  const tree: CommandNode[] = [
    {
      name: 'serve',
      summary: '',
      children: async () => ['a', 'b', 'c'].map(node),
      together: async (names) => ({ name: names.join('+'), summary: '', load: () => one(names.join('+')) }),
    },
  ]

  test('are located together, up to the first option', async () => {
    const located = await locate(tree, ['serve', 'a', 'c', '--port', 'b'])
    expect((await located.leaf?.load())?.name).toBe('a+c')
    expect(located).toMatchObject({ path: ['serve', 'a', 'c'], rest: ['--port', 'b'] })
    expect((await locate(tree, ['serve', 'a', '-p', '1'])).path).toEqual(['serve', 'a'])
  })

  test('complete each other', async () => {
    expect(await complete(tree, ['serve', 'a', ''])).toEqual(['b', 'c'])
    expect(await complete(tree, ['serve', 'c', 'a', ''])).toEqual(['b'])
    expect(await complete(tree, ['serve', 'c', '-p', '1', ''])).toEqual([])
  })
})

describe('locate', () => {
  test.each([
    [[], [], false, []],
    [['--help'], [], false, ['--help']],
    [['serve'], ['serve'], false, []],
    [['serve', '-h'], ['serve'], false, ['-h']],
    [['serve', 'echo'], ['serve', 'echo'], true, []],
    [['serve', 'echo', '--port', '1'], ['serve', 'echo'], true, ['--port', '1']],
    [['shell', 'serve'], ['shell'], true, ['serve']],
  ])('%j leads to %j', async (argv, where, isLeaf, rest) => {
    const { tree, loads } = setup()
    const located = await locate(tree, argv)
    expect({ path: located.path, isLeaf: located.leaf !== undefined, rest: located.rest }).toEqual({
      path: where,
      isLeaf,
      rest,
    })
    expect(loads.echo).not.toHaveBeenCalled()
  })

  test.each([
    [['srve'], 'netlab has no command "srve"; did you mean serve?'],
    [['serve', 'ecko'], 'netlab serve has no command "ecko"; did you mean echo?'],
    [['serve', ''], 'netlab serve has no command ""'],
  ])('%j is refused', async (argv, message) => {
    await expect(locate(setup().tree, argv)).rejects.toThrow(message)
  })
})

describe('run', () => {
  test('resolves the options, runs the command and gives its exit code', async () => {
    const { tree, loads } = setup()
    const { context, stdout } = fakeContext({ environment: { NETLAB_LOG_TO: 'both' } })
    expect(await run(['serve', 'echo', '-p', '1', '--no-console'], tree, context)).toBe(1)
    expect(JSON.parse(stdout())).toEqual({ port: 1, logTo: 'both', logFile: 'x.log', console: false })
    expect(loads.shell).not.toHaveBeenCalled()
  })

  test('a group without a command prints its page as wrong usage, loading none', async () => {
    const { tree, loads } = setup()
    const { context, stdout, stderr } = fakeContext()
    expect(await run(['serve'], tree, context)).toBe(64)
    expect(stderr()).toMatch(/^Usage: netlab serve COMMAND.*^ {2}echo +returns it$/ms)
    expect(stdout()).toBe('')
    expect(loads.echo).not.toHaveBeenCalled()
  })

  test.each([[['serve', '--help']], [['help', 'serve']]])('%j prints it as the answer', async (argv) => {
    const { context, stdout, stderr } = fakeContext()
    expect(await run(argv, setup().tree, context)).toBe(0)
    expect(stdout()).toMatch(/^Usage: netlab serve COMMAND/m)
    expect(stderr()).toBe('')
  })

  test('--help of the top opens no group', async () => {
    const { tree, children } = setup()
    expect(await run(['--help'], tree, fakeContext().context)).toBe(0)
    expect(children).not.toHaveBeenCalled()
  })

  test('--help wins over everything but what comes after --', async () => {
    const { context, stdout } = fakeContext()
    expect(await run(['serve', 'echo', '--nonsense', '--port', '--help'], setup().tree, context)).toBe(0)
    expect(stdout()).toMatch(/^Usage: netlab serve echo \[OPTION…\]$/m)
    await expect(run(['serve', 'echo', '--', '--help'], setup().tree, context)).rejects.toThrow(
      '"--help" is one too many',
    )
  })
})

describe('complete', () => {
  test.each([
    [[''], ['serve', 'shell']],
    [['se'], ['serve']],
    [['serve', ''], ['echo']],
    [['serve', 'x'], []],
    [['nonsense', ''], []],
    [['serve', 'echo', ''], []],
    [
      ['serve', 'echo', '--l'],
      ['--log-to', '--log-file'],
    ],
    [
      ['serve', 'echo', '--log-to', ''],
      ['file', 'both'],
    ],
    [['serve', 'echo', '--log-to', 'b'], ['both']],
    [
      ['serve', 'echo', '--log-to', '='],
      ['file', 'both'],
    ],
    [['serve', 'echo', '--log-to', '=', 'f'], ['file']],
    [['serve', 'echo', '--log-file', ''], []],
    [['serve', 'echo', '-p', ''], []],
    [['serve', 'echo', '--no'], ['--no-console']],
    [
      ['shell', ''],
      ['bash', 'zsh'],
    ],
    [['shell', 'z'], ['zsh']],
    [['shell', 'zsh', ''], []],
  ])('%j can go on with %j', async (words, expected) => {
    expect(await complete(setup().tree, words)).toEqual(expected)
  })
})
