import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { drawing, guarded, ring, terminalText } from '../../src/base/terminal-door.ts'
import { createLineEditor } from '../../src/terminal/line-editor.ts'
import { consoleCommands, OperatorConsole } from '../../src/terminal/operator-console.ts'
import { anyText } from '../support/any-text.ts'
import { projectRoot } from '../support/executable.ts'
import { FakeKeyboard } from '../support/fake-terminal.ts'
import { acting, hostile, styles, undrawn } from '../support/hostile-text.ts'

/** A terminal that only keeps what it is sent. */
class Recorder extends PassThrough {
  readonly isTTY: boolean
  readonly columns = 80
  sent = ''

  constructor(isTTY = true) {
    super()
    this.isTTY = isTTY
    this.on('data', (chunk) => {
      this.sent += String(chunk)
    })
  }
}

describe('a stream that commands write to', () => {
  test('lets through what can only be read', () => {
    const terminal = new Recorder()
    const stream = guarded(terminal, false)
    stream.write(`Found one at ${hostile}\n`)
    stream.write(Buffer.from(`and ${hostile}\n`))
    stream.write('täb\tand 😀\n')
    expect(acting(terminal.sent)).toEqual([])
    expect(terminal.sent).toContain('täb\tand 😀\n')
  })

  test('bytes that come in pieces are whole characters', () => {
    const terminal = new Recorder()
    const stream = guarded(terminal, true)
    for (const byte of Buffer.from('ä😀\x9b31m\n')) stream.write(Buffer.of(byte))
    expect(terminal.sent).toBe('ä😀\\x9b31m\n')
  })

  test('data for a program is left as it is, and diagnostics never are', () => {
    const pipe = new Recorder(false)
    guarded(pipe, true).write(hostile)
    expect(pipe.sent).toBe(hostile)
    guarded(pipe, false).write(hostile)
    expect(acting(pipe.sent.slice(hostile.length))).toEqual([])
  })

  test('is otherwise the stream itself, and what draws finds that', async () => {
    const terminal = new Recorder()
    const stream = guarded(terminal, false)
    const heard: string[] = []
    stream.on('note', (text: string) => heard.push(text))
    terminal.emit('note', 'x')
    await new Promise<void>((resolve) => stream.write('', () => resolve()))
    expect([heard, stream.isTTY, stream.columns, stream instanceof PassThrough]).toEqual([['x'], true, 80, true])
    expect([drawing(stream), drawing(terminal)]).toEqual([terminal, terminal])
    ring(stream)
    expect(terminal.sent).toBe('\x07')
  })
})

describe('what draws', () => {
  test('text keeps our own colours and nothing else that acts', () => {
    expect(terminalText('\x1b[2mfaint\x1b[0m \x1b[31mred\x1b[0m\n')).toBe('\x1b[2mfaint\x1b[0m \x1b[31mred\x1b[0m\n')
    expect(terminalText('\x1b[38;5;1m\x1b[?25l\x1b]0;x\x07\x1b[5m')).toBe(
      '\\x1b[38;5;1m\\x1b[?25l\\x1b]0;x\\x07\\x1b[5m',
    )
    fc.assert(
      fc.property(anyText({ maxLength: 60 }), (text) => {
        expect(acting(undrawn(terminalText(`\x1b]${text}\x1b[2K`)))).toEqual([])
      }),
    )
  })

  test('the line editor: printed, streamed, status, prompt, completions', async () => {
    const screen = new Recorder()
    const keyboard = new FakeKeyboard()
    const editor = createLineEditor({
      input: keyboard,
      output: guarded(screen, true),
      prompt: `${hostile}> `,
      complete: () => ({ word: '', found: [`a${hostile}`, `b${hostile}`] }),
    })
    editor.print(hostile)
    for (const piece of hostile) editor.write(piece)
    editor.write('\n')
    editor.setStatus(hostile)
    editor.setPrompt(`${hostile}>> `)
    keyboard.write('\t')
    await new Promise((resolve) => setImmediate(resolve))
    editor.close()
    expect(acting(undrawn(screen.sent))).toEqual([])
    expect(styles(screen.sent).every((style) => style === '\x1b[31m')).toBe(true)
  })

  test("the operator's console: answers of a service and diagnostics", async () => {
    const [screen, errors] = [new Recorder(), new Recorder(false)]
    const stdin = new PassThrough()
    const streams = {
      stdin,
      stdinKind: 'pipe' as const,
      isDumb: false,
      stdout: guarded(screen, true),
      stderr: guarded(errors, false),
    }
    const operator = new OperatorConsole({ ...streams, interrupt: () => undefined }, true)
    operator.diagnostic(hostile)
    const table = { who: { usage: 'who', summary: 'who is here', run: async () => `* ${hostile}` } }
    const commands = { table, target: undefined, record: () => undefined }
    void operator.start('chat', consoleCommands('chat', commands))
    stdin.end('who\n')
    while (!screen.sent.includes('*')) await new Promise((resolve) => setImmediate(resolve))
    operator.close()
    expect(acting(screen.sent)).toEqual([])
    expect(acting(errors.sent)).toEqual([])
  })
})

describe('nothing goes around the door', () => {
  const src = join(projectRoot, 'src')
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({
      file: relative(src, join(src, file)).replaceAll('\\', '/'),
      text: readFileSync(join(src, file), 'utf8'),
    }))
  const filesWith = (pattern: RegExp) =>
    files
      .filter(({ text }) => pattern.test(text))
      .map(({ file }) => file)
      .sort()

  test.each([
    // Whoever gets at the stream behind the door makes safe what it did not make itself: each has its test above or beside.
    [
      'the stream behind it',
      /\bdrawing\(/,
      [
        'base/terminal-door.ts',
        'commands/check/run.ts',
        'options/ask.ts',
        'terminal/line-editor.ts',
        'terminal/progress-bar.ts',
        'terminal/progress.ts',
      ],
    ],
    [
      'libraries that draw',
      /from '(?:ora|cli-progress|@inquirer\/prompts)'|import\('(?:ora|cli-progress|@inquirer\/prompts)'\)/,
      ['options/ask.ts', 'terminal/progress-bar.ts', 'terminal/progress.ts'],
    ],
    [
      "the process's own streams",
      /\bprocess\.std(?:out|err)\b|\{[^}]*\bstd(?:out|err)\b[^}]*\} from 'node:process'/,
      ['main/cli.ts', 'main/context.ts', 'main/main.ts', 'main/output.ts'],
    ],
    ['console', /\bconsole\.(?:log|error|warn|info|debug|table|dir)\(/, []],
    ['descriptors 1 and 2', /\bwriteSync\((?:1|2|process)\b/, ['main/main.ts']],
  ])('%s is used only here', (_what, pattern, allowed) => {
    expect(filesWith(pattern)).toEqual(allowed)
  })

  test('commands get no other stream of the process than a guarded one', () => {
    const text = files.find(({ file }) => file === 'main/context.ts')?.text ?? ''
    expect(text.match(/process\.std(?:out|err)\b.*/g)).toEqual([
      'process.stdout, true),',
      'process.stderr, false),',
      expect.stringContaining('process.stderr.write(`cannot tell systemd: ${printable('),
    ])
  })
})
