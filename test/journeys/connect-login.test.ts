import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { runNetlab, startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys, Terminal } from '../support/terminal.ts'

// Starting a program takes longer when others keep the machine busy; each step has a deadline of its own.

const password = 'correct horse'

/** A server on a free port of loopback. */
async function serve(service: string, cwd: string): Promise<string> {
  const netlab = startNetlab(['serve', service, '--host', '127.0.0.1', '--port', '0'], { cwd })
  return /127\.0\.0\.1:\d+/.exec(await netlab.line(/listening on 127\.0\.0\.1:\d+/))?.[0] ?? ''
}

test('a person registers, changes the password unseen, comes back without one, and logs out', async () => {
  const cwd = temporaryFolder()
  const env = { XDG_STATE_HOME: join(cwd, 'state') }
  const server = await serve('auth', cwd)
  const first = new Terminal(['connect', server], { env })
  await first.see('Name')
  first.press('Ada', keys.enter)
  await first.see('Password')
  first.press(password, keys.enter)
  await first.see('No user has this name and this password.')
  await first.see('Register as Ada?')
  first.press('y', keys.enter)
  await first.see('The same password again')
  first.press(password, keys.enter)
  await first.see('You are registered. Welcome, Ada.')
  await first.see('> ')
  first.press('passwd', keys.enter)
  await first.see('Old password')
  first.press(password, keys.enter)
  await first.see('New password')
  first.press('better horse', keys.enter)
  await first.see('New password again')
  first.press('better horse', keys.enter)
  await first.see('The password is changed; 0 other sessions ended.')
  first.press(keys.ctrlD)
  expect(await first.finished()).toEqual({ exitCode: 0, signal: 0 })
  expect(first.screen.text).not.toMatch(/correct horse|better horse/)

  const second = new Terminal(['connect', server], { env })
  await second.see('your session goes on as Ada (--user NAME for another).')
  second.press('logout', keys.enter)
  await second.see('One session ended.')
  await second.see('logged out')
  expect(await second.finished()).toEqual({ exitCode: 0, signal: 0 })

  const third = new Terminal(['connect', server, '--user', 'Ada'], { env })
  await third.see('Password')
  third.press(keys.ctrlC)
  expect(await third.finished()).toEqual({ exitCode: 130, signal: 0 })
})

test('a person whose password the operator reset chooses a new one, unseen', async () => {
  const cwd = temporaryFolder()
  const netlab = startNetlab(['serve', 'auth', '--host', '127.0.0.1', '--port', '0'], { cwd })
  const server = /127\.0\.0\.1:\d+/.exec(await netlab.line(/listening on 127\.0\.0\.1:\d+/))?.[0] ?? ''
  const env = { XDG_STATE_HOME: join(cwd, 'state') }
  const client = await TestClient.connect(Number(server.split(':')[1]))
  await client.write('Ada\ncorrect horse\ncorrect horse\n').until('Welcome, Ada')
  client.destroy()
  netlab.type('reset Ada')
  const once = /password (\S+) /.exec(await netlab.line(/takes the password/))?.[1] ?? ''
  const secret = join(cwd, 'secret')
  writeFileSync(secret, once, { mode: 0o600 })
  const piped = await runNetlab(['connect', server, '--user', 'Ada', '--password-file', secret], { env })
  expect(piped).toMatchObject({ exitCode: 1, stdout: '' })
  expect(piped.stderr).toContain('That password was given for one login: choose a new one')

  const terminal = new Terminal(['connect', server, '--user', 'Ada'], { env })
  await terminal.see('Password')
  terminal.press(once, keys.enter)
  for (const [after, first, second] of [
    ['That password was given for one login: choose a new one.', 'short', 'short'],
    ['A password has at least 8', 'better horse', 'other horse'],
    ['The two new passwords differ.', 'better horse', 'better horse'],
  ] as const) {
    await terminal.see(after)
    await terminal.see('New password')
    terminal.press(first, keys.enter)
    await terminal.see('New password again')
    terminal.press(second, keys.enter)
  }
  await terminal.see('Welcome back, Ada.')
  expect(terminal.screen.text).not.toMatch(/better horse|other horse/)
  terminal.press('exit', keys.enter)
  expect(await terminal.finished()).toEqual({ exitCode: 0, signal: 0 })
})
