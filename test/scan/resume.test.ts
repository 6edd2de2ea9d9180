import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { AddressSet } from '../../src/scan/address-set.ts'
import { AnsweredPorts } from '../../src/scan/answered-ports.ts'
import { PortPlan } from '../../src/scan/port-plan.ts'
import { formatResume, parseResume, type ResumeState, refuseOtherScan } from '../../src/scan/resume-file.ts'
import { aResult, hostileTls } from '../support/scan-report.ts'

const addresses = new AddressSet([{ family: 4, first: 0x0a00_0000n, last: 0x0a00_0005n }])
const ports = [22, 80, 81, 443, 8080, 8081, 8082, 8083, 9000]
const host = (n: number) => ({ address: `10.0.0.${n}`, family: 4 as const })

/** What is asked again, as `address port`. */
function left(answered: AnsweredPorts): Set<string> {
  const asked = answered.remaining().flatMap((part) => {
    const hosts = [...part.hosts]
    expect(hosts).toHaveLength(part.hostCount)
    return hosts.flatMap(({ address }) => part.ports.map((port) => `${address} ${port}`))
  })
  expect(new Set(asked).size).toBe(asked.length)
  return new Set(asked)
}

const answers = fc.uniqueArray(fc.tuple(fc.nat(5), fc.constantFrom(...ports)), { selector: String })

describe('what is answered', () => {
  test('property: whatever is not answered is asked again, also after being written and read', () => {
    fc.assert(
      fc.property(answers, (given) => {
        const before = new AnsweredPorts(addresses, new PortPlan(ports))
        for (const [n, port] of given) expect(before.add(host(n), port)).toBe(true)
        for (const [n, port] of given) expect(before.add(host(n), port)).toBe(false)
        const after = new AnsweredPorts(addresses, new PortPlan(ports))
        after.restore(JSON.parse(JSON.stringify(before.toText())))
        const known = new Set(given.map(([n, port]) => `10.0.0.${n} ${port}`))
        const unknown = [0, 1, 2, 3, 4, 5]
          .flatMap((n) => ports.map((port) => `10.0.0.${n} ${port}`))
          .filter((one) => !known.has(one))
        const again = left(after)
        expect(left(before)).toEqual(again)
        expect(unknown.filter((one) => !again.has(one))).toEqual([])
        for (const [n, port] of given) expect(after.add(host(n), port)).toBe(false)
        if (unknown.length === 0) expect(again.size).toBe(0)
      }),
    )
  })

  test('one host begun: exactly its missing ports are asked, and the other hosts whole', () => {
    const answered = new AnsweredPorts(addresses, new PortPlan(ports))
    answered.add(host(2), 80)
    answered.add(host(2), 9000)
    for (const port of ports) answered.add(host(0), port)
    const [begun, fresh] = answered.remaining()
    expect(begun).toMatchObject({ hostCount: 1, ports: [22, 81, 443, 8080, 8081, 8082, 8083] })
    expect(fresh).toMatchObject({ hostCount: 4, ports })
    expect([...(fresh?.hosts ?? [])]).toEqual([host(1), host(3), host(4), host(5)])
  })

  test('what nobody asked is no answer', () => {
    const answered = new AnsweredPorts(addresses, new PortPlan(ports))
    expect(answered.add(host(9), 22)).toBe(false)
    expect(answered.add(host(0), 23)).toBe(false)
    expect(answered.add({ address: 'nonsense', family: 4 }, 22)).toBe(false)
  })

  test.each([
    { whole: '0-6', partial: {} },
    { whole: 'x', partial: {} },
    { whole: '', partial: { 6: '22' } },
    { whole: '', partial: { '-1': '22' } },
    { whole: '', partial: { 0: '70000' } },
  ])('%j does not belong to it', (text) => {
    expect(() => new AnsweredPorts(addresses, new PortPlan(ports)).restore(text)).toThrow(RangeError)
  })
})

describe('the file of an interrupted scan', () => {
  const identity = {
    targets: '10.0.0.0-10.0.0.5',
    names: 'db.example,gone.example',
    ports: '22,80',
    shown: 'open',
    banner: true,
    tls: true,
  }
  const state: ResumeState = {
    identity,
    answers: { 'db.example': ['10.0.0.1', '10.0.0.5'], 'gone.example': [] },
    startedAt: 1_700_000_000_000,
    durationMs: 5000,
    probes: 12,
    retries: 2,
    counts: { open: { connected: 1 }, closed: { refused: 3 } },
    doubt: {
      complete: false,
      expectedMissed: 0.3,
      evidence: [
        { host: host(1), silent: 5, attempts: 4, references: 2, lossShare: 0.5, expectedMissed: 0.3, doubt: 'lossy' },
      ],
      notes: ['5 silent ports in doubt on 10.0.0.1'],
    },
    answered: { whole: '0-2', partial: { 4: '22' } },
    results: [aResult(22, { banner: new Uint8Array([0, 255, 10]) }), aResult(80), aResult(443, { tls: hostileTls })],
  }

  test('comes back as it was written', () => {
    expect(parseResume(formatResume(state), 'scan.state')).toEqual(state)
  })

  test('of a version that kept no doubts has none', () => {
    const { doubt: _doubt, ...rest } = JSON.parse(formatResume(state))
    expect(parseResume(JSON.stringify(rest), 'scan.state').doubt).toMatchObject({ complete: true, expectedMissed: 0 })
  })

  test.each([
    [{ names: 'db.example' }, 'scan.state is of a scan with other names (db.example,gone.example)'],
    [{ targets: '10.0.0.1' }, 'scan.state is of a scan with other targets (10.0.0.0-10.0.0.5)'],
    [{ ports: '1-65535' }, 'scan.state is of a scan with other ports (22,80)'],
    [{ shown: 'open,closed' }, 'scan.state is of a scan with other --show (open)'],
    [{ banner: false }, 'scan.state is of a scan with other --banner (true)'],
    [{ tls: false }, 'scan.state is of a scan with other --tls-info (true)'],
  ])('is refused by a scan of something else: %j', (other, message) => {
    expect(() => refuseOtherScan(state, 'scan.state', { ...identity, ...other })).toThrow(message)
  })

  test.each([
    '',
    'nonsense',
    '[]',
    '{}',
    JSON.stringify({ format: 'netlab-scan-resume', version: 3 }),
    JSON.stringify({ format: 'netlab-scan-resume', version: 2, identity }),
    formatResume(state).replace('"whole": "0-2"', '"whole": 2'),
    formatResume(state).replace('"attempts": 1', '"attempts": "1"'),
    formatResume(state).replace('"closed"', '"ajar"'),
    formatResume(state).replace('"lossy"', '"lucky"'),
    formatResume(state).replace('"silent": 5', '"silent": "5"'),
    formatResume(state).replace('5 silent ports', '\\u001b[2J'),
    // What no scan writes, and a terminal would obey.
    ...['"127.0.0.1"', '"connected"', '"22,80"'].map((text) =>
      formatResume(state).replaceAll(text, JSON.stringify(`${JSON.parse(text)}\x1b[2J`)),
    ),
    formatResume(state).replaceAll('"family": 4', '"family": 4, "name": "\\u001b[2J"'),
    formatResume(state).replace('"10.0.0.1",', '4,'),
    formatResume(state).slice(0, -9),
  ])('something else is no such file', (text) => {
    expect(() => parseResume(text, 'scan.state')).toThrow('scan.state is not the state of an interrupted scan')
  })
})
