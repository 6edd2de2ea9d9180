import { describe, expect, test } from '@jest/globals'
import { demoOnTerminal, startDemo } from '../support/demo.ts'
import { keys } from '../support/terminal.ts'

const { enter, down, backspace } = keys

describe('questions on a terminal', () => {
  test('Enter takes every default', async () => {
    const terminal = demoOnTerminal(['ask'])
    await terminal.see(/Name\?.*\(nobody\)/)
    terminal.press(enter)
    await terminal.see(/Count\?.*\(3\)/)
    terminal.press(enter)
    await terminal.see(/Pace\?.*\(own\)/)
    terminal.press(enter)
    await terminal.see('Shape?')
    await terminal.see('❯ square')
    terminal.press(enter)
    await terminal.see(/Loud\?.*\(Y\/n\)/)
    terminal.press(enter)
    await terminal.see('Word?')
    terminal.press(enter)
    await terminal.see('{"name":"nobody","count":3,"shape":"square","loud":true,"wordLength":0}')
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
  })

  test('nonsense is asked again with the reason, and a secret is not shown', async () => {
    const given = ['--name', 'eve', '--pace', '1', '--no-loud']
    const terminal = demoOnTerminal(['ask', ...given])
    await terminal.see('Count?')
    terminal.press('12', enter)
    await terminal.see('12 is not between 1 and 9')
    terminal.press(backspace, enter)
    await terminal.see('Shape?')
    await terminal.see('square')
    terminal.press(down, enter)
    await terminal.see('Word?')
    terminal.press('hunter2', enter)
    await terminal.see('{"name":"eve","count":1,"pace":1,"shape":"round","loud":false,"wordLength":7}')
    expect(terminal.screen.text).not.toContain('hunter2')
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
  })

  test.each([
    ['Ctrl-C', keys.ctrlC],
    ['Ctrl-D', keys.ctrlD],
  ])('%s instead of an answer ends quietly', async (_, key) => {
    const terminal = demoOnTerminal(['ask'])
    await terminal.see('Name?')
    terminal.press(key)
    expect(await terminal.finished()).toEqual({ exitCode: 130, signal: 0 })
    expect(terminal.screen.text).not.toMatch(/netlab:/)
  })

  test('SIGTERM during a question ends quietly', async () => {
    const terminal = demoOnTerminal(['ask'])
    await terminal.see('Name?')
    process.kill(terminal.pid, 'SIGTERM')
    expect((await terminal.finished()).exitCode).toBe(143)
  })

  test('nothing is asked off a terminal', async () => {
    const demo = startDemo(['ask'], { NETLAB_WORD: 'hunter2' })
    expect(await demo.finished()).toMatchObject({
      stdout: '{"name":"nobody","count":3,"shape":"square","loud":true,"wordLength":7}\n',
      stderr: '',
      exitCode: 0,
    })
  })
})
