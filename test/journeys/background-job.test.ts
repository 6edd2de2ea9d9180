import { expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { executable } from '../support/executable.ts'
import { keys, Terminal } from '../support/terminal.ts'

/** Elsewhere nobody tells whether one is in the background. */
const onLinux = process.platform === 'linux' ? test : test.skip

onLinux(
  'a server in the background of a shell serves (it was stopped when it read from the terminal, or asked)',
  async () => {
    const shell = new Terminal(['--norc', '-i'], { program: 'bash', env: { PS1: 'shell$ ' } })
    await shell.see('shell$ ')
    shell.press(`"${executable}" serve echo --port 0 &`, keys.enter)
    const [, port] = /(\d+)\s$/.exec(await shell.see(/listening on \S+:\d+\s/)) ?? []
    const client = await TestClient.connect(Number(port))
    client.write('hello\nstop\n')
    expect(String(await client.all())).toBe('hello\nstop\n')
    shell.press('wait; exit 7', keys.enter)
    expect(await shell.finished()).toEqual({ exitCode: 7, signal: 0 })
  },
)
