import { PassThrough } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { limits } from '../../src/base/limits.ts'
import { createLineEditor, type LineEditor } from '../../src/terminal/line-editor.ts'

async function collect(editor: LineEditor): Promise<string[]> {
  const lines: string[] = []
  for await (const line of editor.lines()) lines.push(line)
  return lines
}

function start(): { input: PassThrough; output: PassThrough; editor: LineEditor } {
  const input = new PassThrough()
  const output = new PassThrough()
  return { input, output, editor: createLineEditor({ input, output, prompt: '> ' }) }
}

describe('the line editor without a terminal', () => {
  test('gives the lines, a last one without its end too, and shows no prompt', async () => {
    const { input, output, editor } = start()
    expect(editor.interactive).toBe(false)
    input.end('one\r\ntwo\n\nlast')
    expect(await collect(editor)).toEqual(['one', 'two', '', 'last'])
    expect(output.read()).toBeNull()
  })

  test('a character cut in two is whole', async () => {
    const { input, editor } = start()
    input.write(Buffer.from([0xc3]))
    input.end(Buffer.from([0xa9, 0x0a]))
    expect(await collect(editor)).toEqual(['é'])
  })

  test('prints a line as a line, and has no status', async () => {
    const { output, editor } = start()
    editor.setStatus('status')
    editor.print('text')
    editor.print('more\n')
    expect(String(output.read())).toBe('text\nmore\n')
    editor.close()
  })

  test('close ends the lines while the input stays open', async () => {
    const { input, editor } = start()
    const all = collect(editor)
    editor.close()
    expect(await all).toEqual([])
    expect(input.destroyed).toBe(false)
    expect(input.isPaused()).toBe(true)
  })

  test('reads no further ahead than a few hundred lines', async () => {
    const { input, editor } = start()
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
    while ((await lines.next()).done !== true) count++
    expect(count).toBe(total)
    await fed
  })

  test('a line without end costs bounded memory', async () => {
    const { input, editor } = start()
    input.write('x'.repeat(limits.typedLineBytes))
    input.write('y'.repeat(100))
    input.end('\nnext\n')
    expect((await collect(editor)).map((line) => line.length)).toEqual([limits.typedLineBytes, 4])
  })
})
