import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { ScanDoubt } from '../../src/scan/types.ts'
import { turnUntil } from '../support/event-loop.ts'
import { type Answer, type Controls, openPorts, runScanCommand } from '../support/scan-context.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const base = ['127.0.0.1', '-p', '1-100']
/** The fake scanner begins at the highest port. */
const answer = openPorts(22, 80, 95)

describe('an interrupt', () => {
  const stopAfter = (count: number) => ({
    answer,
    afterEach: (done: number, { interrupt }: { interrupt(): void }) => void (done === count && interrupt()),
  })

  test('prints the ordered partial list, says what is missing, and exits 130', async () => {
    const { exit, stdout, stderr } = await runScanCommand(base, stopAfter(40))
    expect(exit).toBe(130)
    expect(stdout).toBe('Port 80 open (http)  0.50 ms\nPort 95 open (supdup)  0.50 ms\n')
    expect(stderr).toContain('2 open, 38 closed (refused), 60 not scanned\n')
    expect(stderr).toContain('the result is NOT complete\n')
  })

  test.each([1, 50, 99])('after %i results the JSON document is valid', async (count) => {
    const { exit, stdout } = await runScanCommand([...base, '--json'], stopAfter(count))
    expect(exit).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ complete: false, interrupted: true, notScanned: 100 - count })
  })

  test('writes what there is to the file that was asked for', async () => {
    const path = join(temporaryFolder(), 'scan.csv')
    const { exit, stdout } = await runScanCommand([...base, '-o', path], stopAfter(40))
    expect([exit, stdout]).toEqual([130, ''])
    expect(
      readFileSync(path, 'utf8')
        .split('\r\n')
        .map((row) => row.split(',')[2]),
    ).toEqual(['port', '80', '95', undefined])
  })

  test('while names are looked up: still one valid document', async () => {
    const { exit, stdout } = await runScanCommand(['slow', '-p', '80', '--json'], {
      interruptedBefore: true,
    })
    expect(exit).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ complete: false, interrupted: true, hostCount: 0, hosts: [] })
  })

  test('while the targets are still being read, there was no document', async () => {
    const running = runScanCommand(['-', '-p', '80', '--json'], { stdinStaysOpen: true, interruptedBefore: true })
    const { exit, stdout } = await running
    expect(exit).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({
      complete: false,
      interrupted: true,
      notes: ['stopped before the scan began'],
    })
  })
})

describe('keys on a terminal', () => {
  test('q stops with the list so far, and the answer decides the exit code', async () => {
    const { exit, stdout, screen, rawAfter } = await runScanCommand(base, {
      answer,
      columns: 100,
      afterEach: (done, { press }) => void (done === 30 && press('q')),
    })
    expect(exit).toBe(0)
    expect(stdout).toContain('Port 80 open')
    expect(stdout).not.toContain('Port 22 open')
    expect(screen.join('\n')).toContain('not scanned')
    expect(rawAfter).toBe(false)
  })

  test('space says how far the scan is, above the bar', async () => {
    const { exit, screen } = await runScanCommand(base, {
      answer,
      columns: 100,
      afterEach: (done, { press }) => void (done === 30 && press(' ')),
    })
    expect(exit).toBe(0)
    expect(screen.join('\n')).toMatch(/^3\d%: 3\d of 100 ports, 2 open, 0 filtered, 1000 probes\/s$/m)
  })

  test('Ctrl-C, which is a key in raw mode, interrupts', async () => {
    const { exit, rawAfter } = await runScanCommand(base, {
      answer,
      columns: 100,
      afterEach: (done, { press }) => void (done === 30 && press('\x03')),
    })
    expect(exit).toBe(130)
    expect(rawAfter).toBe(false)
  })

  test('Ctrl-Z gives the terminal to the shell, and the keys work when it is back', async () => {
    const seen: unknown[] = []
    let rawWhenStopped: boolean | undefined
    const { exit, screen, rawAfter } = await runScanCommand(base, {
      answer,
      columns: 80,
      clock: new VirtualClock(),
      afterEach(done, run) {
        if (done === 10) run.press('\x1a')
        if (done === 30) {
          rawWhenStopped = run.isRaw()
          seen.push(run.screen().some((line) => line.includes('%')))
          run.goOn()
          seen.push(run.isRaw())
        }
        if (done === 50) run.press('q')
      },
    })
    expect(rawWhenStopped).toBe(false)
    // No bar in the shell's way; raw mode again behind it.
    expect(seen).toEqual([false, true])
    expect(screen.at(-1)).toMatch(/without an answer: the scan was interrupted|IANA/)
    expect({ exit, rawAfter }).toEqual({ exit: 0, rawAfter: false })
  })

  test('a job that goes on in the background leaves the terminal alone', async () => {
    let inForeground = true
    const modes: boolean[] = []
    const { exit, rawAfter } = await runScanCommand(base, {
      answer,
      columns: 80,
      clock: new VirtualClock(),
      inForeground: () => inForeground,
      afterEach(done, run) {
        if (done === 10) run.press('\x1a')
        if (done === 20) inForeground = false
        if (done === 30) run.goOn()
        if (done > 30) modes.push(run.isRaw())
      },
    })
    expect(modes.includes(true)).toBe(false)
    expect({ exit, rawAfter }).toEqual({ exit: 0, rawAfter: false })
  })

  test('on a dumb terminal there is no bar, and the keys work', async () => {
    const { screen, exit } = await runScanCommand(base, {
      answer,
      columns: 80,
      isDumb: true,
      afterEach: (done, { press }) => void (done === 20 && press(' q')),
    })
    expect(screen.filter((line) => line.includes('%'))).toEqual([expect.stringMatching(/^\d+%: \d+ of 100 ports/)])
    expect(exit).toBe(0)
  })

  test('on 20 columns nothing wraps, and no bar is left behind', async () => {
    const { stdout, screen } = await runScanCommand(['127.0.0.1', '-p', '1-100', '-q'], { answer, columns: 20 })
    expect(stdout).toContain('Port 22 open')
    expect(screen).toEqual([])
    const talking = await runScanCommand(base, { answer, columns: 20 })
    expect(talking.screen.slice(0, 3)).toEqual(['Port 95 open (supdup', ')', 'Port 80 open (http)'])
    expect(talking.screen.join('\n')).not.toMatch(/\d+\/100/)
  })
})

describe('resuming', () => {
  const state = () => join(temporaryFolder(), 'scan.state')

  test('an interrupted scan is continued, and comes to the same as one that was not', async () => {
    const path = state()
    const words = ['127.0.0.1-3', '-p', '1-50', '--resume', path, '--show', 'filtered', '--json']
    const network: Answer = (address, port) =>
      port === 7 ? { state: 'filtered', reason: 'no-answer' } : openPorts(3, 40)(address, port, 1)
    const interrupted = await runScanCommand(words, {
      answer: network,
      afterEach: (done, { interrupt }) => void (done === 70 && interrupt()),
    })
    expect(interrupted.exit).toBe(130)
    expect(interrupted.stderr).toContain(`${path} keeps the rest; the same command continues it\n`)
    const continued = await runScanCommand(words, { answer: network })
    expect(continued.exit).toBe(0)
    expect(continued.stderr).toContain('continuing: 70 of 150 ports are answered already\n')
    // The host under way with what it lacks, then the one not begun: nothing is asked twice.
    expect(continued.plans.map(({ hosts, plan }) => [hosts, plan.ports.length])).toEqual([
      [['127.0.0.2'], 30],
      [['127.0.0.1'], 50],
    ])
    expect(existsSync(path)).toBe(false)
    const whole = await runScanCommand(words, { answer: network })
    const comparable = (text: string) => ({ ...JSON.parse(text), startedAt: 0, durationMs: 0, timeline: {} })
    expect(comparable(continued.stdout)).toEqual(comparable(whole.stdout))
  })

  test('a name whose DNS answers rotate was refused as another scan', async () => {
    const path = state()
    let turn = 0
    const names = (name: string) => (name === 'gone' ? undefined : [`10.0.0.${++turn}`, `10.0.1.${turn}`])
    const words = ['db', 'gone', '-p', '1-50', '--exclude', 'other', '--resume', path, '--json']
    await runScanCommand(words, { names, afterEach: (done, { interrupt }) => void (done === 20 && interrupt()) })
    const { exit, stdout, stderr, plans } = await runScanCommand(words, { names, answer: openPorts(1) })
    expect(plans.map(({ hosts, plan }) => [hosts, plan.ports.length])).toEqual([[['10.0.0.1'], 30]])
    expect(JSON.parse(stdout)).toMatchObject({ notScanned: 0, unresolved: ['gone'] })
    expect(stderr).toContain('gone could not be resolved (not known when the scan began)\n')
    expect(exit).toBe(0)
  })

  const doubt: ScanDoubt = {
    complete: false,
    expectedMissed: 0.25,
    evidence: [
      {
        host: { address: '127.0.0.1', family: 4 },
        ...{ silent: 9, attempts: 3, references: 40, lossShare: 0.2, expectedMissed: 0.25, doubt: 'lossy' },
      },
    ],
    notes: ['9 silent ports in doubt on 127.0.0.1'],
  }

  test('bug: what was in doubt before the interruption counted as sure after it', async () => {
    const path = state()
    const words = [...base, '--resume', path, '--json']
    const afterEach = (done: number, { interrupt }: Controls): void => void (done === 60 && interrupt())
    await runScanCommand(words, { answer, doubt, afterEach })
    const { stdout } = await runScanCommand(words, { answer })
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ complete: false, expectedMissed: 0.25, notScanned: 0, notes: doubt.notes })
    expect(report.hosts[0].evidence).toEqual({
      ...{ silent: 9, attempts: 3, references: 40, lossShare: 0.2, expectedMissed: 0.25, doubt: 'lossy' },
    })
  })

  test('what is in doubt of a host before and after adds up', async () => {
    const path = state()
    const words = [...base, '--resume', path, '--json']
    const afterEach = (done: number, { interrupt }: Controls): void => void (done === 60 && interrupt())
    await runScanCommand(words, { answer, doubt, afterEach })
    const { stdout } = await runScanCommand(words, { answer, doubt })
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ expectedMissed: 0.5, notes: doubt.notes })
    expect(report.hosts[0].evidence).toMatchObject({ silent: 18, attempts: 3, references: 80, expectedMissed: 0.5 })
  })

  test('other names are another scan', async () => {
    const path = state()
    const names = { db: ['10.0.0.1'], web: ['10.0.0.1'] }
    const words = ['-p', '1-50', '--resume', path]
    await runScanCommand(['db', ...words], {
      names,
      afterEach: (done, { interrupt }) => void (done === 20 && interrupt()),
    })
    await expect(runScanCommand(['web', ...words], { names })).rejects.toMatchObject({
      exit: 64,
      message: `${path} is of a scan with other names (db)`,
    })
  })

  test('what was found before is expected, streamed and listed again', async () => {
    const path = state()
    const words = [...base, '--resume', path, '--expect', '22,80', '--jsonl']
    await runScanCommand(words, { answer, afterEach: (done, { interrupt }) => void (done === 60 && interrupt()) })
    const { exit, stdout } = await runScanCommand(words, { answer })
    expect(exit).toBe(0)
    expect(stdout.match(/"type":"result"/g)).toHaveLength(3)
  })

  test('a scan that is killed has lost no more than what came after the last checkpoint', async () => {
    const path = state()
    const clock = new VirtualClock()
    const words = [...base, '--resume', path, '--json']
    const killed = join(temporaryFolder(), 'killed.state')
    await runScanCommand(words, {
      answer,
      doubt,
      clock,
      async betweenResults(done) {
        if (done !== 60) return
        clock.advance(30_000)
        await turnUntil(() => readFileSync(path, 'utf8').includes('"0": "41-100"'))
        copyFileSync(path, killed)
      },
    })
    const { exit, stdout, plans } = await runScanCommand([...base, '--resume', killed, '--json'], { answer })
    expect(exit).toBe(0)
    expect(plans.map(({ plan }) => plan.ports.length)).toEqual([40])
    expect(JSON.parse(stdout)).toMatchObject({
      complete: false,
      expectedMissed: doubt.expectedMissed,
      counts: { open: { connected: 3 }, closed: { refused: 97 } },
    })
  })

  test('a file of another scan is refused, and kept', async () => {
    const path = state()
    await runScanCommand([...base, '--resume', path], { afterEach: (_, { interrupt }) => interrupt() })
    const before = readFileSync(path, 'utf8')
    await expect(runScanCommand(['127.0.0.1', '-p', '1-99', '--resume', path])).rejects.toMatchObject({
      exit: 64,
      message: `${path} is of a scan with other ports (1-100)`,
    })
    expect(readFileSync(path, 'utf8')).toBe(before)
  })

  test.each([
    ['nonsense', 'is not the state of an interrupted scan'],
    [undefined, 'is damaged'],
  ])('a file with %j is refused', async (text, message) => {
    const path = state()
    await runScanCommand([...base, '--resume', path], { afterEach: (_, { interrupt }) => interrupt() })
    writeFileSync(path, text ?? readFileSync(path, 'utf8').replace(/"whole": "[^"]*"/, '"whole": "9"'))
    await expect(runScanCommand([...base, '--resume', path])).rejects.toMatchObject({
      exit: 74,
      message: expect.stringContaining(message),
    })
  })
})
