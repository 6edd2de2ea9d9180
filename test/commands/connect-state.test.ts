import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { KnownHosts, SessionFile } from '../../src/commands/connect/state-files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const program = fileURLToPath(new URL('../support/state-child.ts', import.meta.url))
const each = 3

test('bug: of several netlabs that remembered something at once, some forgot what the others had written', async () => {
  const folder = temporaryFolder()
  const [hostsPath, sessionsPath] = [join(folder, 'known_hosts'), join(folder, 'sessions.json')]
  const names = Array.from({ length: 12 }, (_, number) => `name${number}`)
  const codes = await Promise.all(
    names.map(async (name) => {
      const child = spawn(process.execPath, [program, hostsPath, sessionsPath, name, String(each)], {
        stdio: 'inherit',
      })
      return (await once(child, 'exit'))[0]
    }),
  )
  expect(codes).toEqual(names.map(() => 0))
  const hosts = new KnownHosts(hostsPath)
  const sessions = new SessionFile(sessionsPath)
  for (const name of names) {
    for (let number = 0; number < each; number++) {
      expect(hosts.find(`${name}.example`, number)).toBe('AB:CD')
      expect(sessions.find(`${name}.example:${number}`, name)).toMatchObject({ user: name })
    }
  }
  expect(readdirSync(folder).sort()).toEqual(['known_hosts', 'sessions.json'])
})
