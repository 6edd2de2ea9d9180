import { describe, expect, test } from '@jest/globals'
import { keys, Terminal } from '../support/terminal.ts'

describe('netlab on a terminal', () => {
  test('offers a menu, and runs what is chosen', async () => {
    const terminal = new Terminal([])
    await terminal.see('netlab: what next?')
    await terminal.see('completion')
    terminal.press(keys.up, keys.enter)
    await terminal.see('_netlab_complete')
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
  })

  test.each([
    ['Ctrl-C', keys.ctrlC],
    ['Ctrl-D', keys.ctrlD],
  ])('%s leaves the menu without a word', async (_, key) => {
    const terminal = new Terminal([])
    await terminal.see('netlab: what next?')
    terminal.press(key)
    expect(await terminal.finished()).toEqual({ exitCode: 130, signal: 0 })
    expect(terminal.screen.text).not.toMatch(/error|Error/)
  })
})
