import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { terminalLimits } from '../../src/terminal/limits.ts'
import { createLineEditor, type LineEditor, type LineEditorOptions } from '../../src/terminal/line-editor.ts'
import { FakeKeyboard, FakeScreen } from '../support/fake-terminal.ts'

interface Bench {
  readonly keyboard: FakeKeyboard
  readonly screen: FakeScreen
  readonly editor: LineEditor
  next(): Promise<string | undefined>
}

function start(
  options: { columns?: number } & Pick<LineEditorOptions, 'onInterrupt' | 'onEnd' | 'vanishes' | 'complete'> = {},
): Bench {
  const keyboard = new FakeKeyboard()
  const screen = new FakeScreen(options.columns)
  const editor = createLineEditor({
    input: keyboard,
    output: screen,
    prompt: '> ',
    ...(options.onInterrupt && { onInterrupt: options.onInterrupt }),
    ...(options.onEnd && { onEnd: options.onEnd }),
    ...(options.vanishes && { vanishes: options.vanishes }),
    ...(options.complete && { complete: options.complete }),
  })
  const lines = editor.lines()[Symbol.asyncIterator]()
  return { keyboard, screen, editor, next: async () => (await lines.next()).value }
}

describe('the line editor on a terminal', () => {
  test('shows its prompt and gives the lines that are entered', async () => {
    const { keyboard, screen, editor, next } = start()
    expect(editor.interactive).toBe(true)
    await screen.until('>')
    keyboard.write('hello\r')
    expect(await next()).toBe('hello')
    await screen.until('> hello', '>')
    editor.close()
  })

  test('an input that ended before there was a prompt is the end', async () => {
    const keyboard = new FakeKeyboard()
    keyboard.end()
    await once(keyboard.resume(), 'end')
    const lines = createLineEditor({ input: keyboard, output: new FakeScreen(), prompt: '> ' }).lines()
    expect(await lines[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true })
  })

  test('Ctrl-D on an empty line ends it, unless that means something else; in a line it deletes', async () => {
    let ends = 0
    const staying = start({ onEnd: () => ends++ })
    staying.keyboard.write('\x04')
    staying.keyboard.write('abc\x01\x04\r')
    expect(await staying.next()).toBe('bc')
    expect(ends).toBe(1)
    staying.editor.close()
    const ending = start()
    ending.keyboard.write('\x04')
    expect(await ending.next()).toBeUndefined()
  })

  test('edits: backspace, start of line, cursor keys, history', async () => {
    const { keyboard, screen, editor, next } = start()
    keyboard.write('helxo\x7f\x7flo\r')
    expect(await next()).toBe('hello')
    keyboard.write('b\x01a\r')
    expect(await next()).toBe('ab')
    keyboard.write('\x1b[A\x1b[A!\r')
    expect(await next()).toBe('hello!')
    await screen.until('> hello', '> ab', '> hello!', '>')
    editor.close()
  })

  test('Tab completes the last word before the cursor, or shows what there is', async () => {
    const names = ['Anna ', 'Anton ', 'Bob ']
    const complete = (typed: string) => {
      const word = /\S*$/.exec(typed)?.[0] ?? ''
      return { word, found: names.filter((name) => name.toLowerCase().startsWith(word.toLowerCase())) }
    }
    const { keyboard, screen, editor, next } = start({ complete })
    keyboard.write('hi b')
    keyboard.write('\t')
    await screen.until('> hi Bob')
    keyboard.write('and a')
    keyboard.write('\t')
    await screen.until('> hi Bob and An')
    keyboard.write('\t')
    await screen.until('Anna  Anton', '> hi Bob and An')
    keyboard.write('n')
    keyboard.write('\t')
    await screen.until('Anna  Anton', '> hi Bob and Anna')
    keyboard.write('\r')
    expect(await next()).toBe('hi Bob and Anna ')
    editor.close()
  })

  test('another prompt can stand before the line, which stays', async () => {
    const { keyboard, screen, editor } = start()
    keyboard.write('half')
    await screen.until('> half')
    editor.setPrompt('#dev> ')
    await screen.until('#dev> half')
    keyboard.write('\r')
    await screen.until('#dev> half', '#dev>')
    editor.close()
  })

  test('a line that will be printed again leaves no trace, another one stays', async () => {
    const { keyboard, screen, editor, next } = start({ vanishes: (line) => !line.startsWith('/') })
    keyboard.write('hello\r')
    expect(await next()).toBe('hello')
    editor.print('12:00 Ada: hello')
    keyboard.write('/who\r')
    expect(await next()).toBe('/who')
    await screen.until('12:00 Ada: hello', '> /who', '>')
    editor.close()
  })

  test('prints above the line being typed, which stays whole and can be typed on', async () => {
    const { keyboard, screen, editor, next } = start()
    keyboard.write('half a li')
    await screen.until('> half a li')
    editor.print('incoming')
    editor.print('two\nlines\n')
    await screen.until('incoming', 'two', 'lines', '> half a li')
    expect(screen.cursor).toEqual([3, 11])
    keyboard.write('ne\r')
    expect(await next()).toBe('half a line')
    await screen.until('incoming', 'two', 'lines', '> half a line', '>')
    editor.close()
  })

  test('keeps the cursor where it was within the line', async () => {
    const { keyboard, screen, editor, next } = start()
    keyboard.write('abef\x1b[D\x1b[D')
    await screen.until('> abef')
    editor.print('incoming')
    keyboard.write('cd')
    await screen.until('incoming', '> abcdef')
    keyboard.write('\r')
    expect(await next()).toBe('abcdef')
    editor.close()
  })

  test.each([9, 10, 11, 18, 19, 20, 35])('prints above a line of %i characters on ten columns', async (length) => {
    const { keyboard, screen, editor, next } = start({ columns: 10 })
    const typed = Array.from({ length }, (_, index) => String.fromCharCode(97 + (index % 26))).join('')
    const rows = `> ${typed}`.match(/.{1,10}/g) ?? []
    keyboard.write(typed)
    await screen.until(...rows)
    editor.print('one')
    editor.print('two')
    await screen.until('one', 'two', ...rows)
    keyboard.write('\x01')
    editor.print('three')
    keyboard.write('\x05')
    editor.print('four')
    await screen.until('one', 'two', 'three', 'four', ...rows)
    keyboard.write('\r')
    expect(await next()).toBe(typed)
    await screen.until('one', 'two', 'three', 'four', ...rows, '>')
    editor.close()
  })

  test('a status row is replaced in place, stays above the prompt, and leaves no trace in what was entered', async () => {
    const { keyboard, screen, editor, next } = start()
    editor.setStatus('sent 0')
    await screen.until('sent 0', '>')
    keyboard.write('one\r')
    expect(await next()).toBe('one')
    await screen.until('> one', 'sent 0', '>')
    editor.setStatus('sent 1')
    keyboard.write('tw')
    await screen.until('> one', 'sent 1', '> tw')
    editor.print('incoming')
    await screen.until('> one', 'incoming', 'sent 1', '> tw')
    editor.setStatus('')
    await screen.until('> one', 'incoming', '> tw')
    editor.close()
    await screen.until('> one', 'incoming')
  })

  test('a long paste into the middle of a line, and what is typed after it, is drawn right', async () => {
    const { keyboard, screen, editor, next } = start({ columns: 10 })
    keyboard.write('ab')
    keyboard.write('\x1b[D')
    keyboard.write('0123456789012345')
    await screen.until('> a0123456', '789012345b')
    keyboard.write('\x7f')
    await screen.until('> a0123456', '78901234b')
    keyboard.write('\x15')
    await screen.until('> b')
    keyboard.write('\r')
    expect(await next()).toBe('b')
    await screen.until('> b', '>')
    editor.close()
  })

  test('a line that fills its row exactly is entered as one row', async () => {
    const { keyboard, screen, editor } = start({ columns: 10 })
    editor.setStatus('status')
    keyboard.write('12345678\r12345678')
    await screen.until('> 12345678', 'status', '> 12345678')
    expect(screen.cursor).toEqual([3, 0])
    editor.close()
  })

  test('a resize and Ctrl-L draw the line again', async () => {
    const { keyboard, screen, editor } = start({ columns: 20 })
    keyboard.write('abcdefgh')
    await screen.until('> abcdefgh')
    screen.emit('resize')
    await screen.until('> abcdefgh')
    editor.print('printed')
    keyboard.write('\x0c')
    await screen.until('> abcdefgh')
    expect(screen.cursor).toEqual([0, 10])
    editor.close()
  })

  test('several lines pasted at once are several lines', async () => {
    const { keyboard, screen, editor, next } = start()
    editor.setStatus('status')
    keyboard.write('a\nb\nc')
    expect([await next(), await next()]).toEqual(['a', 'b'])
    await screen.until('> a', '> b', 'status', '> c')
    editor.close()
  })

  test('Ctrl-D on an empty line ends the lines and takes the prompt away', async () => {
    const { keyboard, screen, next } = start()
    keyboard.write('bye\r\x04')
    expect([await next(), await next()]).toEqual(['bye', undefined])
    await screen.until('> bye')
    expect(keyboard.isRaw).toBe(false)
  })

  test('Ctrl-C is told to whoever asked, and otherwise ends the lines', async () => {
    let interrupts = 0
    const asked = start({ onInterrupt: () => void interrupts++ })
    asked.keyboard.write('half\x03\x03\r')
    expect(await asked.next()).toBe('half')
    expect(interrupts).toBe(2)
    asked.editor.close()
    const unasked = start()
    unasked.keyboard.write('\x03')
    expect(await unasked.next()).toBeUndefined()
  })

  test('close ends the lines, prints go on without a prompt', async () => {
    const { screen, editor, next } = start()
    editor.setStatus('status')
    editor.close()
    editor.close()
    editor.setStatus('late')
    editor.print('after')
    expect(await next()).toBeUndefined()
    await screen.until('after')
  })

  test('a terminal that hangs up ends the lines', async () => {
    const { keyboard, next } = start()
    keyboard.destroy(new Error('EIO'))
    expect(await next()).toBeUndefined()
  })
})

async function collect(editor: LineEditor): Promise<string[]> {
  const lines: string[] = []
  for await (const line of editor.lines()) lines.push(line)
  return lines
}

function pipe(): { input: PassThrough; output: PassThrough; editor: LineEditor } {
  const input = new PassThrough()
  const output = new PassThrough()
  return { input, output, editor: createLineEditor({ input, output, prompt: '> ' }) }
}

describe('the line editor without a terminal', () => {
  test('gives the lines, a last one without its end too, and shows no prompt', async () => {
    const { input, output, editor } = pipe()
    expect(editor.interactive).toBe(false)
    input.end('one\r\ntwo\n\nlast')
    expect(await collect(editor)).toEqual(['one', 'two', '', 'last'])
    expect(output.read()).toBeNull()
  })

  test('a character cut in two is whole', async () => {
    const { input, editor } = pipe()
    input.write(Buffer.from([0xc3]))
    input.end(Buffer.from([0xa9, 0x0a]))
    expect(await collect(editor)).toEqual(['é'])
  })

  test('prints a line as a line, and has no status', async () => {
    const { output, editor } = pipe()
    editor.setStatus('status')
    editor.print('text')
    editor.print('more\n')
    expect(String(output.read())).toBe('text\nmore\n')
    editor.close()
  })

  test('close ends the lines while the input stays open', async () => {
    const { input, editor } = pipe()
    const all = collect(editor)
    editor.close()
    expect(await all).toEqual([])
    expect(input.destroyed).toBe(false)
    expect(input.isPaused()).toBe(true)
  })

  test('reads no further ahead than a few hundred lines', async () => {
    const { input, editor } = pipe()
    const total = 3000
    const fed = (async () => {
      for (let line = 0; line < total; line++)
        if (!input.write(`${line}\n`)) await new Promise((go) => input.once('drain', go))
      input.end()
    })()
    const lines = editor.lines()[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('0')
    expect(input.isPaused()).toBe(true)
    let count = 1
    while (count <= total && (await lines.next()).done !== true) count++
    expect(count).toBe(total)
    await fed
  })

  test('a line without end costs bounded memory', async () => {
    const { input, editor } = pipe()
    input.write('x'.repeat(terminalLimits.typedLineChars))
    input.write('y'.repeat(100))
    input.end('\nnext\n')
    expect((await collect(editor)).map((line) => line.length)).toEqual([terminalLimits.typedLineChars, 4])
  })
})
