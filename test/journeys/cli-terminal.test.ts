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

  test('a terminal that knows no control sequences (TERM=dumb) gets none: neither prompt nor progress', async () => {
    const env = { TERM: 'dumb' }
    const server = new Terminal(['serve', 'echo', '--host', '127.0.0.1', '--port', '0'], { env })
    const [, port = ''] = /:(\d+)/.exec(await server.see(/127\.0\.0\.1:\d+\s/)) ?? []
    const scan = new Terminal(['scan', '127.0.0.1', '-p', port, '--rate', '1'], { env })
    await scan.see('the result is complete')
    expect(await scan.finished()).toEqual({ exitCode: 0, signal: 0 })
    expect(scan.screen.text).not.toContain('%')
    const client = new Terminal(['connect', `127.0.0.1:${port}`], { env })
    await client.see('connected to')
    client.press('hello', keys.enter, keys.ctrlD)
    await client.see(/hello\s+hello/)
    expect(await client.finished()).toEqual({ exitCode: 0, signal: 0 })
    server.press('stop', keys.enter)
    await server.see('stopping')
    expect(await server.finished()).toEqual({ exitCode: 0, signal: 0 })
    expect(server.screen.text + client.screen.text).not.toContain('> ')
  })
})
