import { describe, expect, test } from '@jest/globals'
import { keys, onlyLines, Terminal } from '../support/terminal.ts'

describe('netlab on a terminal', () => {
  test('offers a menu, and runs what is chosen', async () => {
    const terminal = new Terminal([])
    await terminal.see('netlab: what next?')
    await terminal.see('completion')
    terminal.press(keys.up, keys.enter)
    await terminal.see('_netlab_complete')
    expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
  })

  test('on a dumb terminal it got control sequences', async () => {
    const dumb = { env: { TERM: 'dumb' } }
    const menu = new Terminal([], dumb)
    await menu.see(/1 to \d+:/)
    menu.press('nonsense', keys.enter)
    await menu.see(/1 to \d+:/)
    menu.press('1', keys.enter)
    await menu.see('netlab serve: what next?')
    menu.press('1', keys.enter)
    await menu.see('Address to listen on')
    menu.press('127.0.0.1', keys.enter)
    await menu.see('Port [')
    menu.press('0', keys.enter)
    const [, port = ''] = /:(\d+)/.exec(await menu.see(/listening on 127\.0\.0\.1:\d+/)) ?? []
    const client = new Terminal(['connect', '127.0.0.1', port], dumb)
    await client.see('connected to')
    client.press('hello', keys.enter)
    await client.see('received 6 bytes')
    client.press('exit', keys.enter)
    expect(await client.finished()).toEqual({ exitCode: 0, signal: 0 })
    const scan = new Terminal(['scan', '-p', port], dumb)
    await scan.see('What to scan')
    scan.press('127.0.0.1', keys.enter)
    await scan.see(`Port ${port} open`)
    expect(await scan.finished()).toEqual({ exitCode: 0, signal: 0 })
    menu.press('status', keys.enter)
    await menu.see('clients')
    menu.press(keys.ctrlD)
    await menu.see('the server goes on; Ctrl-C ends it')
    menu.press(keys.ctrlC)
    expect(await menu.finished()).toEqual({ exitCode: 0, signal: 0 })
    for (const { written } of [menu, client, scan]) expect(written).toMatch(onlyLines)
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
