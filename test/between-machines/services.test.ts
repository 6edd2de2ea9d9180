import { expect, test } from '@jest/globals'
import { betweenMachines, families, portOf } from '../support/machines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { keys } from '../support/terminal.ts'

betweenMachines(({ server, ann, bob }) => {
  test('a conversation with echo outlives a pulled cable, and others do not notice', async () => {
    const echo = server.start(['serve', 'echo', '--port', '0', '--log-to', 'none'])
    const port = await portOf(echo)
    const talks = families.map((family) => ann.start(['connect', ann.server[family], port, '--hex']))
    const other = bob.start(['connect', bob.server.IPv4, port])
    for (const talk of talks) {
      talk.type('before')
      await talk.line(/^< .*\|before\.\|/)
    }
    ann.pullAtServer()
    for (const talk of talks) {
      talk.type('meanwhile')
      await talk.line(/^> .*\|meanwhile\.\|/)
    }
    other.type('hello')
    await other.line(/^hello$/)
    ann.plug()
    for (const talk of talks) {
      await talk.line(/^< .*\|meanwhile\.\|/)
      talk.process.stdin.end()
      expect(await talk.finished()).toMatchObject({ exitCode: 0 })
    }
    expect(await echo.stop()).toMatchObject({ exitCode: 0 })
  })

  test('ident knows two machines as two, and a machine with two addresses by each', async () => {
    const ident = server.start(['serve', 'ident', '--port', '0'])
    const port = await portOf(ident)
    const visits = [
      { from: ann, name: 'Ann' },
      { from: bob, name: 'Bob' },
    ].flatMap((one) => families.map((family) => ({ ...one, family, name: `${one.name} by ${family}` })))
    const visit = ({ from, family }: (typeof visits)[number], stdin: string) =>
      from.run(['connect', from.server[family], port, '-q'], { stdin })
    const first = await Promise.all(visits.map((one) => visit(one, `${one.name}\n`)))
    for (const [at, { stdout }] of first.entries()) {
      expect(stdout).toContain('What is your name?')
      expect(stdout).toContain(`Nice to meet you, ${visits[at]?.name}.`)
    }
    const again = visits.filter(({ family }) => family === 'IPv4')
    const second = await Promise.all(again.map((one) => visit(one, 'exit\n')))
    for (const [at, { stdout }] of second.entries()) expect(stdout).toContain(`Hello, ${again[at]?.name}.`)
    await ident.stop()
  })

  test('a password crosses the cable in TLS or not at all', async () => {
    const [open, closed] = [[], ['--tls']].map((tls) => server.start(['serve', 'auth', '--port', '0', ...tls]))
    if (open === undefined || closed === undefined) throw new Error('no servers')
    const [plainPort, tlsPort] = [await portOf(open), await portOf(closed)]
    const env = { NETLAB_PASSWORD: 'correct horse', XDG_STATE_HOME: temporaryFolder() }
    const lines = 'Ann\ncorrect horse\ncorrect horse\n'
    const family = families.at(-1) ?? 'IPv4'
    const byHand = (port: string, ...args: readonly string[]) =>
      ann.run(['connect', ann.server.IPv4, port, '--framing', 'text', '-q', ...args], { env, stdin: lines })
    const byLogin = (port: string, ...args: readonly string[]) =>
      ann.run(['connect', ann.server[family], port, '--user', 'Ann', '-q', ...args], { env, stdin: 'whoami\n' })

    // Whoever types it all the same is stopped by the server before anything is looked at.
    const turnedAway = await byHand(plainPort)
    expect([turnedAway.exitCode, turnedAway.stdout]).toEqual([69, ''])
    expect(turnedAway.stderr).toMatch(/the server says: Passwords do not travel in plain text here: .*192\.0\.2\.6\.\n/)
    expect(await byHand(tlsPort)).toMatchObject({
      stdout: '',
      stderr: expect.stringMatching(/takes nobody without TLS\n {2}use --tls/),
      exitCode: 69,
    })
    // Who waits for the server to speak first is told before it loses patience.
    const waiting = bob.terminal(['connect', bob.server.IPv4, tlsPort, '--no-session'], { env })
    await waiting.see('the server says nothing, and speaks TLS')
    waiting.press(keys.ctrlC)
    expect((await waiting.finished()).exitCode).toBe(130)
    // The client does not even send it.
    const unsent = await byLogin(plainPort)
    expect(unsent.stderr).toMatch(/would travel where others can read it\n.*--tls/)
    const refused = await byLogin(plainPort, '--insecure')
    expect(refused.stderr).toMatch(/Passwords do not travel in plain text here/)
    expect([unsent.exitCode, refused.exitCode]).toEqual([64, 1])

    const unknown = await byHand(tlsPort, '--tls')
    expect(unknown).toMatchObject({ stdout: '', exitCode: 76, stderr: expect.stringContaining('--accept-new-key') })
    expect((await byHand(tlsPort, '--tls', '--accept-new-key')).stdout).toContain('Welcome, Ann. You are registered.')
    const welcome = await byLogin(tlsPort, '--tls', '--accept-new-key')
    expect(welcome.stdout).toMatch(/^Ann, session 2 from /)
    expect(welcome.exitCode).toBe(0)
    await Promise.all([open.stop(), closed.stop()])
  })
})
