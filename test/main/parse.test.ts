import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ExitCode, UsageError } from '../../src/base/errors.ts'
import { defineCommand } from '../../src/commands/command.ts'
import { parseArguments } from '../../src/main/parse.ts'
import { flag, host, integer, port, text } from '../../src/options/kinds.ts'
import { option } from '../../src/options/spec.ts'

const command = defineCommand({
  name: 'demo',
  summary: 'shows',
  positionals: [{ name: 'host' }, { name: 'port' }],
  options: {
    host: option({ kind: host, summary: 'where', default: '127.0.0.1' }),
    port: option({ kind: port, summary: 'which', default: 9007, alias: 'p' }),
    maxClients: option({ kind: integer(1, 9), summary: 'how many', default: 9 }),
    note: option({ kind: text, summary: 'any text', default: '', alias: 'n' }),
    tag: option({ kind: text, summary: 'many texts', default: '', repeatable: true }),
    quiet: option({ kind: flag, summary: 'say nothing', default: false, alias: 'q' }),
    console: option({ kind: flag, summary: 'no console', default: true }),
    password: option({ kind: text, summary: 'secret', default: '', secret: true }),
  },
  run: async () => ExitCode.ok,
})
const many = defineCommand({
  name: 'many',
  summary: 'takes all',
  positionals: [{ name: 'targets', variadic: ',' }],
  options: { targets: option({ kind: text, summary: 'what', default: '' }) },
  run: async () => ExitCode.ok,
})
const parse = (...argv: string[]) => parseArguments(command, 'netlab demo', argv)

describe('what is written on the command line', () => {
  test.each<[string[], Record<string, string | boolean>]>([
    [[], {}],
    [['--port', '1'], { port: '1' }],
    [['--port=1'], { port: '1' }],
    [['-p', '1'], { port: '1' }],
    [['-p1'], { port: '1' }],
    [['-p=1'], { port: '1' }],
    [['-qp', '1'], { quiet: true, port: '1' }],
    [['--max-clients', '007'], { maxClients: '007' }],
    [['--port', '-5'], { port: '-5' }],
    [['--note=-x'], { note: '-x' }],
    [['--note=--port=1'], { note: '--port=1' }],
    [['--note='], { note: '' }],
    [['--note', ''], { note: '' }],
    [['--note', '1e3'], { note: '1e3' }],
    [['--note', '"quoted"'], { note: '"quoted"' }],
    [['--note="quoted"'], { note: '"quoted"' }],
    [['--note', 'true'], { note: 'true' }],
    [['--note', 'a\nb'], { note: 'a\nb' }],
    [['--note=a\nb=c'], { note: 'a\nb=c' }],
    [['--tag', 'a', '--tag=b'], { tag: 'a,b' }],
    [['--tag', 'a'], { tag: 'a' }],
    [['--quiet'], { quiet: true }],
    [['--no-quiet'], { quiet: false }],
    [['--quiet=yes'], { quiet: true }],
    [['--quiet=0'], { quiet: false }],
    [['--no-console'], { console: false }],
    [['--console=off'], { console: false }],
    [['-q', '-q'], { quiet: true }],
    [['--quiet', '--no-quiet'], { quiet: false }],
    [['example.org', '80'], { host: 'example.org', port: '80' }],
    [['example.org', '-q', '80'], { host: 'example.org', quiet: true, port: '80' }],
    [['--quiet', 'example.org'], { quiet: true, host: 'example.org' }],
    [['--', '-weird-', '80'], { host: '-weird-', port: '80' }],
    [['-q', '--', '--port'], { quiet: true, host: '--port' }],
    [['0x10', '1e3'], { host: '0x10', port: '1e3' }],
  ])('%j', (argv, given) => {
    expect(parse(...argv)).toEqual(given)
  })

  test('a variadic argument takes all that is left', () => {
    expect(parseArguments(many, 'netlab many', ['a', 'b', 'c'])).toEqual({ targets: 'a,b,c' })
  })
})

describe('what is refused', () => {
  test.each<[string[], string]>([
    [['--prot', '1'], 'netlab demo has no option --prot; did you mean --port?'],
    [['--prot=1'], 'netlab demo has no option --prot; did you mean --port?'],
    [['--max', '1'], 'netlab demo has no option --max; did you mean --max-clients?'],
    [['--maxClients', '1'], 'netlab demo has no option --maxClients; did you mean --max-clients?'],
    [['--no-consol'], 'netlab demo has no option --no-consol; did you mean --no-console?'],
    [['--hlep'], 'netlab demo has no option --hlep; did you mean --help?'],
    [['--zebra'], 'netlab demo has no option --zebra'],
    [['--a.b', '1'], 'netlab demo has no option --a.b'],
    [['--__proto__', '1'], 'netlab demo has no option --__proto__'],
    [['--constructor'], 'netlab demo has no option --constructor'],
    [['-x'], 'netlab demo has no option -x'],
    [['-qx'], 'netlab demo has no option -x'],
    [['-port', '1'], '-port has one dash too few; did you mean --port?'],
    [['--port'], '--port needs a value'],
    [['-p'], '-p needs a value'],
    [['--port', '--quiet'], '--port needs a value'],
    [['--note', '-x'], '--note needs a value'],
    [['--port', '1', '--port', '2'], '--port is given 2 times'],
    [['--port', '1', '-p', '2'], '--port is given 2 times'],
    [['--no-port'], '--no-port means nothing: --port takes a value'],
    [['--quiet=perhaps'], '--quiet: "perhaps" is neither yes nor no'],
    [['a', '1', 'c'], 'netlab demo takes no more than host, port; "c" is one too many'],
    [['a', '--host', 'b'], 'host is given twice: as "a" and by its option'],
    [['--password', 'hunter2'], '--password would show a secret to everyone on this machine'],
    [['--password=hunter2'], '--password would show a secret to everyone on this machine'],
  ])('%j', (argv, message) => {
    expect(() => parse(...argv)).toThrow(expect.objectContaining({ message, exit: ExitCode.usage }))
  })

  test('every refusal tells a next step', () => {
    for (const argv of [['--x'], ['--port'], ['a', '1', 'c'], ['--port', '1', '--port', '2'], ['--password', 'x']]) {
      expect(() => parse(...argv)).toThrow(expect.objectContaining({ hint: expect.any(String) }))
    }
  })
})

describe('for any words', () => {
  const piece = fc.constantFrom('--port', '--note', '--quiet', '--no-console', '-p', '-q', '--', '=', '-', '1', 'x')
  test('the result is text and booleans for known options, or a UsageError', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string())), (argv) => {
        try {
          const given = parse(...argv)
          expect(Object.keys(command.options)).toEqual(expect.arrayContaining(Object.keys(given)))
          for (const value of Object.values(given)) expect(['string', 'boolean']).toContain(typeof value)
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError)
        }
      }),
    )
  })

  test('a value comes through letter by letter', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (note) => {
        expect(parse(`--note=${note}`)).toEqual({ note })
        if (!note.startsWith('-')) expect(parse('--note', note)).toEqual({ note })
        expect(parse('--', note)).toEqual({ host: note })
      }),
      { numRuns: 40 },
    )
  })
})
