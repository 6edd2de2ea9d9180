import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { TestClient } from '../support/client.ts'
import { killChat } from '../support/kill-chat.ts'
import { startNetlab } from '../support/run-netlab.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { longTestMs } from '../support/timeouts.ts'

const local = ['serve', 'chat', '--host', '127.0.0.1', '--port', '0', '--log-to', 'none']

function portIn(line: string): number {
  return Number(/:(\d+)$/.exec(line)?.[1])
}

/** Registers, as a person at nc does. */
async function come(port: number, name: string): Promise<TestClient> {
  const client = await TestClient.connect(port)
  client.write(`${name}\ncorrect horse ${name}\ncorrect horse ${name}\n`)
  await client.until('you are in #lobby')
  return client
}

describe('netlab serve chat', () => {
  test('two people at nc talk, and the console moderates', async () => {
    await using netlab = startNetlab([...local, '--threads', '2'])
    const port = portIn(await netlab.line(/chat: listening on/))
    const [ann, bob] = [await come(port, 'ann'), await come(port, 'bob')]
    ann.write('hello bob\n')
    await bob.until('#lobby ann: hello bob')
    await ann.until('#lobby ann: hello bob')
    netlab.type('help')
    await netlab.line(/topic \[#ROOM\]/)
    netlab.type('kick bob too loud')
    await netlab.line(/bob was put out of #lobby/)
    await bob.until('put you out of #lobby: too loud')
    netlab.type('ban #lobby bob')
    await netlab.line(/bob is banned from #lobby/)
    netlab.type('rename bob Robert')
    await netlab.line(/bob is called Robert now/)
    bob.write('/join lobby\n')
    await bob.until('! you are banned from #lobby')
    netlab.type('ban #lobby Robert off')
    await netlab.line(/Robert may enter #lobby again/)
    bob.write('/join lobby\n')
    await bob.until(() => bob.text.split('you are in #lobby').length >= 3)
    netlab.type('who')
    await netlab.line(/Robert \(127\.0\.0\.1\)/)
    netlab.type('ban Robert')
    await netlab.line(/Robert is banned; one session ended/)
    await bob.until('You are banned from this server.')
    ann.write('exit\n')
    expect((await ann.all()).toString()).toMatch(/\* goodbye\n$/)
  })

  test('a name of --operators that nobody has is claimed by the code that the start shows, and by nothing else', async () => {
    const cwd = temporaryFolder()
    const withLog = ['serve', 'chat', '--host', '127.0.0.1', '--port', '0', '--operators', 'root']
    let port: number
    {
      await using netlab = startNetlab(withLog, { cwd })
      port = portIn(await netlab.line(/chat: listening on/))
      const notice = await netlab.stderr.waitFor(/operator root: .*\/claim \S+/)
      const code = notice.split(' ').at(-1) ?? ''
      const [root, bob] = [await come(port, 'root'), await come(port, 'bob')]
      root.write('/topic mine\n')
      await root.until('only an operator can do that')
      bob.write(`/claim ${code}\n`)
      await bob.until('that code makes nobody of your name an operator')
      root.write(`/claim ${code}\n`)
      await root.until('you are an operator now')
      root.write('/topic mine\n')
      await bob.until('root set the topic of #lobby: mine')
      netlab.type('clear users --yes')
      await netlab.line(/2 users are forgotten/)
      expect(readFileSync(join(cwd, 'logs', 'netlab.log'), 'utf8')).not.toContain(code)
      const thief = await come(port, 'root')
      thief.write('/topic theirs\n')
      await thief.until('only an operator can do that')
      await netlab.stop()
    }
    // Not after a restart either: the name is another account's now.
    await using netlab = startNetlab(withLog, { cwd })
    await netlab.stderr.waitFor(/operator root: .*\/claim \S+/)
    await netlab.stop()
  })

  test(
    'killed again and again while everybody talks: nothing acknowledged is lost, nothing comes twice',
    async () => {
      const cwd = temporaryFolder()
      const { acknowledged, ...findings } = await killChat(
        3,
        (kill) => 150 + 100 * kill,
        async () => {
          const netlab = startNetlab([...local, '--flood-rate', '0'], { cwd })
          const port = portIn(await netlab.line(/listening on/))
          return {
            port,
            async kill() {
              netlab.process.kill('SIGKILL')
              await netlab.finished()
            },
          }
        },
      )
      expect(acknowledged).toBeGreaterThan(700)
      expect(findings).toEqual({ lost: [], twice: [], idsRise: true, disagreeing: [] })
    },
    longTestMs(3),
  )
})
