import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { startNetlab } from '../support/run-netlab.ts'
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
