import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { betweenMachines, type Client, families, portOf } from '../support/machines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys } from '../support/terminal.ts'

const floodProgram = fileURLToPath(new URL('../support/flood.ts', import.meta.url))
const lastFamily = families.at(-1) ?? 'IPv4'

betweenMachines(({ server, ann, bob }) => {
  test('a chat goes on where it was after a pulled cable, and after the server was started anew meanwhile', async () => {
    const cwd = temporaryFolder()
    const serve = (port: string) => server.start(['serve', 'chat', '--tls', '--port', port, '--strict-port'], { cwd })
    const first = serve('0')
    const port = await portOf(first)
    const env = { NETLAB_PASSWORD: 'correct horse', XDG_STATE_HOME: join(cwd, 'state'), NETLAB_TLS: 'yes' }
    const come = async (who: Client, name: string) => {
      const stdin = `${name}\ncorrect horse\ncorrect horse\nexit\n`
      const address = who.server[who === ann ? 'IPv4' : lastFamily]
      await who.run(['connect', address, port, '--framing', 'text', '--accept-new-key'], { env, stdin })
      const person = who.terminal(['connect', address, port, '--user', name], { env })
      await person.see('you are in #lobby')
      return person
    }
    const [annSees, bobSees] = await Promise.all([come(ann, 'Ann'), come(bob, 'Bob')])
    annSees.press('hello', keys.enter)
    await bobSees.see('Ann: hello')

    ann.pullAtServer()
    annSees.press('can you hear me', keys.enter)
    bobSees.press('Ann is away', keys.enter)
    await bobSees.see('Bob: Ann is away')
    ann.plug()
    await annSees.see('Bob: Ann is away')
    await bobSees.see('Ann: can you hear me')

    ann.pull()
    await first.stop('SIGKILL')
    annSees.press('and now', keys.enter)
    const second = serve(port)
    await portOf(second)
    ann.plug()
    await bobSees.see('Ann: and now')
    await annSees.see('Ann: and now')
    for (const person of [annSees, bobSees]) {
      person.press('/quit', keys.enter)
      expect(await person.finished()).toEqual({ exitCode: 0, signal: 0 })
    }
    expect(annSees.screen.text.match(/Ann: (hello|can you|and now)/g)).toHaveLength(3)
    await second.stop()
  })

  test('bug: with the cable out a server kept its members, and they their prompt, for minutes; both say so, and go on', async () => {
    const cwd = temporaryFolder()
    const chat = ['serve', 'chat', '--port', '0', '--insecure', '--log-to', 'console', '--ping-interval', '1s']
    const served = server.start(chat, { cwd })
    const port = await portOf(served)
    const env = { NETLAB_PASSWORD: 'correct horse', XDG_STATE_HOME: join(cwd, 'state'), NETLAB_INSECURE: 'yes' }
    const come = async (who: Client, name: string) => {
      const byHand = who.start(['connect', who.server.IPv4, port, '--framing', 'text'], { env })
      for (const line of [name, env.NETLAB_PASSWORD, env.NETLAB_PASSWORD]) byHand.type(line)
      await byHand.line(/you are in #lobby/)
      return byHand
    }
    // Bob stays by hand, and is judged by his TCP; Ann goes on as a program does, which answers pings.
    const [bobByHand, annByHand] = [await come(bob, 'Bob'), await come(ann, 'Ann')]
    annByHand.type('/quit')
    await annByHand.finished()
    const annSees = ann.terminal(['connect', ann.server.IPv4, port, '--user', 'Ann'], { env })
    await annSees.see('you are in #lobby')
    annSees.press('hello', keys.enter)
    await bobByHand.line(/Ann: hello/)

    for (const one of [ann, bob]) one.pullAtServer()
    annSees.press('is it on?', keys.enter)
    await Promise.all([
      annSees.see(`no answer from ${ann.server.IPv4}:${port} any more`),
      served.stderr.waitFor(/(?:no answer came from it any more[\s\S]*){2}/),
    ])
    for (const one of [ann, bob]) one.plug()
    await annSees.see('Ann: is it on?')
    annSees.press('/quit', keys.enter)
    expect(await annSees.finished()).toEqual({ exitCode: 0, signal: 0 })
    bobByHand.process.kill()
    await served.stop()
  })

  test('a relay of chat-udp is found across the cable, and loses nothing while it is out', async () => {
    const relay = server.start(['chat-udp', '--serve', '--port', '0', '--log-to', 'none'])
    const port = await portOf(relay)
    const annTalks = ann.start(['chat-udp', '--name', 'ann'])
    const bobTalks = bob.start(['chat-udp', bob.server[lastFamily], port, '--name', 'bob'])
    await annTalks.stderr.waitFor(`Found one at ${ann.server.IPv4}:${port}`)
    await Promise.all([annTalks.stderr.waitFor('you are in #lobby'), bobTalks.stderr.waitFor('you are in #lobby')])
    annTalks.type('hello')
    await bobTalks.line(/ann: hello/)

    ann.pull()
    annTalks.type('can you hear me')
    bobTalks.type('Ann is away')
    await bobTalks.line(/bob: Ann is away/)
    ann.plug()
    await annTalks.line(/bob: Ann is away/)
    await bobTalks.line(/ann: can you hear me/)
    for (const talk of [annTalks, bobTalks]) {
      talk.process.stdin.end()
      expect(await talk.finished()).toMatchObject({ exitCode: 0 })
    }

    ann.pull()
    const nobody = await ann.run(['chat-udp', ann.server.IPv4, port, '--name', 'ann'])
    expect(nobody.stderr).toContain(`netlab: no network leads to ${ann.server.IPv4}\n`)
    expect(nobody.exitCode).toBe(69)
    await relay.stop()
  })

  test('bug: hellos from addresses that nobody has held the whole room up', async () => {
    ann.plug()
    const relay = server.start(['chat-udp', '--serve', '--port', '0', '--log-to', 'none', '--max-rate', '1000'])
    const port = await portOf(relay)
    const join = async (name: string) => {
      const talks = ann.start(['chat-udp', ann.server.IPv4, port, '--name', name])
      await talks.stderr.waitFor('you are in #lobby')
      return talks
    }
    const talks = await join('ann')
    const roundTripMs = async (line: string): Promise<number> => {
      const start = performance.now()
      talks.type(line)
      await talks.line(new RegExp(`ann: ${line}$`))
      return performance.now() - start
    }
    const { server: host, addresses } = bob.haunt(250)
    const flood = bob.start([floodProgram, host, port, '500', ...addresses], { program: process.execPath })
    await flood.line(/flooding/)
    const late = await join('late')
    const times: number[] = []
    for (let line = 0; line < 40; line += 1) times.push(await roundTripMs(`line${line}`))
    // The bug's were 3.6 s, and the newcomer did not get in at all.
    expect(times.sort((one, other) => one - other)[20]).toBeLessThan(1_000)
    await flood.stop('SIGKILL')
    for (const one of [talks, late]) {
      one.process.stdin.end()
      expect(await one.finished()).toMatchObject({ exitCode: 0 })
    }
    await relay.stop()
  })

  test('bug: a member of chat-udp whose machine got another address was lost for good', async () => {
    ann.plug()
    const relay = server.start(['chat-udp', '--serve', '--port', '0', '--log-to', 'none'])
    const port = await portOf(relay)
    const join = async (who: Client, name: string, address: string) => {
      const talks = who.start(['chat-udp', address, port, '--name', name])
      await talks.stderr.waitFor('you are in #lobby')
      return talks
    }
    const annTalks = await join(ann, 'ann', ann.server.IPv4)
    const bobTalks = await join(bob, 'bob', bob.server[lastFamily])
    for (const who of [ann, bob]) who.renumber()
    // Neither says anything until it is back.
    await Promise.all([annTalks, bobTalks].map((talks) => talks.stderr.waitFor('back in #lobby')))
    annTalks.type('from elsewhere')
    await bobTalks.line(/ann: from elsewhere/)
    bobTalks.type('me too')
    await annTalks.line(/bob: me too/)
    for (const talks of [annTalks, bobTalks]) {
      talks.process.stdin.end()
      expect(await talks.finished()).toMatchObject({ exitCode: 0 })
      expect(talks.stdout.text.match(/ann: from elsewhere|bob: me too/g)).toHaveLength(2)
    }
    await relay.stop()
  })

  test('bug: a relay with several addresses answered from the first of them, whichever was asked', async () => {
    const relay = server.start(['chat-udp', '--serve', '--port', '0', '--log-to', 'none'])
    const port = await portOf(relay)
    for (const family of families) {
      const address = bob.server[family]
      ann.routeTo(address)
      const talks = await ann.run(['chat-udp', address, port, '--name', 'ann'], { stdin: 'hello\n' })
      expect(talks).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('ann: hello') })
    }
    await relay.stop()
  })

  test('bug: a relay that was there before its link, or whose link was replaced, was not found by multicast', async () => {
    ann.unlay()
    const relay = server.start(['chat-udp', '--serve', '--port', '0', '--log-to', 'none'])
    const port = await portOf(relay)
    /** Looks for the relay until it has noticed the link, which it looks for every second. */
    const found = async (wanted: RegExp): Promise<void> => {
      let stderr = ''
      for (let search = 0; search < 10 && !wanted.test(stderr); search += 1) {
        const talks = await ann.run(['chat-udp', '--name', 'ann'], { stdin: 'here\n' })
        stderr = talks.exitCode === 0 ? talks.stderr : ''
      }
      expect(stderr).toMatch(wanted)
    }
    const byIPv4 = new RegExp(`Found one at ${ann.server.IPv4.replaceAll('.', '[.]')}:${port}`)
    for (const _ of ['a link that came later', 'one that replaced it']) {
      ann.lay()
      await found(byIPv4)
      if (families.includes('IPv6')) {
        ann.dropIPv4()
        await found(new RegExp(`Found one at \\[fe80::\\S+\\]:${port}`))
      }
      ann.unlay()
    }
    ann.lay()
    await relay.stop()
  })
})
