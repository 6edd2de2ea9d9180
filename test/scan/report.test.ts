import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { AddressSet } from '../../src/scan/address-set.ts'
import { scanLimits } from '../../src/scan/limits.ts'
import { type ScanKnowledge, summaryNotes } from '../../src/scan/notices.ts'
import { renderCsv } from '../../src/scan/report/csv.ts'
import { renderGrep } from '../../src/scan/report/grep.ts'
import { renderHtml } from '../../src/scan/report/html.ts'
import { renderJson, resultLine, summaryLine } from '../../src/scan/report/json.ts'
import { escapeBytes, type ScanReport } from '../../src/scan/report/report.ts'
import { portLine, renderText, summarySentences } from '../../src/scan/report/text.ts'
import { renderXml } from '../../src/scan/report/xml.ts'
import { ScanResults } from '../../src/scan/results.ts'
import { TimelineRecorder } from '../../src/scan/timeline.ts'
import {
  type DoubtReason,
  type HostEvidence,
  type PortResult,
  type PortState,
  portStates,
} from '../../src/scan/types.ts'
import { violations } from '../support/json-schema.ts'
import { readCsv, outputSchema as schema } from '../support/scan-formats.ts'
import { aReport, aResult, loopback } from '../support/scan-report.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { childrenOf, readXml } from '../support/xml-reader.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const text = (pieces: Iterable<string>): string => [...pieces].join('')

/** Reads a report as libnmap's parser does: ElementTree, and the same elements and attributes. */
const pythonReader = `
import json, sys, xml.etree.ElementTree as ET
root = ET.fromstring(sys.stdin.buffer.read())
assert root.tag == 'nmaprun' and root.find('runstats/hosts') is not None
int(root.get('start')), root.get('args'), root.find('scaninfo').get('services')
rows = []
for host in root.findall('host'):
    assert host.find('status').get('state') == 'up'
    name = host.find('hostnames/hostname')
    for port in host.findall('ports/port'):
        service = port.find('service')
        rows.append([
            host.find('address').get('addr'), None if name is None else name.get('name'), int(port.get('portid')),
            port.find('state').get('state'), port.find('state').get('reason'),
            None if service is None else service.get('name'),
        ])
print(json.dumps(rows))
`

/** Any results at all, in any order, of a few hosts. */
const anyResults = fc.uniqueArray(
  fc.record({
    host: fc
      .nat(3)
      .map((n) => ({ address: `10.0.0.${n}`, family: 4 as const, ...(n === 2 && { name: 'two.example' }) })),
    port: fc.integer({ min: 1, max: 65_535 }),
    state: fc.constantFrom(...portStates),
    reason: fc.constantFrom('connected', 'refused', 'no-answer', 'EMFILE'),
    attempts: fc.integer({ min: 1, max: 9 }),
    rttMs: fc.double({ min: 0, max: 5000, noNaN: true }),
    banner: fc.uint8Array({ maxLength: 40 }),
  }),
  { selector: ({ host, port }) => `${host.address} ${port}`, maxLength: 60 },
)

function reportOf(results: readonly PortResult[]): ScanReport {
  const all = new ScanResults(portStates)
  for (const result of results) all.add(result)
  const addresses = new AddressSet([{ family: 4, first: 0x0a00_0000n, last: 0x0a00_0003n }])
  return aReport([], { hostCount: 4, counts: all.counts, shown: portStates, results: all.listed(addresses) })
}

describe('escaped bytes', () => {
  test.each([
    ['SSH-2.0-x\r\n', 'SSH-2.0-x\\r\\n'],
    ['\x1b[2J\x07', '\\x1b[2J\\x07'],
    ['back\\slash\t', 'back\\\\slash\\t'],
    ['\x7f\x80\xff\0', '\\x7f\\x80\\xff\\x00'],
  ])('%j', (raw, escaped) => {
    expect(escapeBytes(bytes(raw))).toBe(escaped)
  })

  test('property: printable ASCII only, and every byte can be told', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (raw) => {
        const escaped = escapeBytes(raw)
        expect(escaped).toMatch(/^[\x20-\x7e]*$/)
        const names: Record<string, number> = { t: 9, n: 10, r: 13, '\\': 92 }
        const back = [...escaped.matchAll(/\\x(..)|\\(.)|(.)/g)].map(([, hex, short, plain]) =>
          hex !== undefined ? Number.parseInt(hex, 16) : (names[short ?? ''] ?? plain?.charCodeAt(0)),
        )
        expect(back).toEqual([...raw])
      }),
    )
  })
})

describe('text', () => {
  const named = { ...loopback, name: 'here' }
  test.each([
    [aResult(22), false, 'Port 22 open (ssh)'],
    [aResult(4), false, 'Port 4 open'],
    [aResult(22, { host: named }), true, 'Port 22 open on 127.0.0.1 [here] (ssh)'],
    [aResult(80, { state: 'closed', reason: 'refused' }), false, 'Port 80 closed (http): refused'],
    [aResult(4, { state: 'filtered', reason: 'no-answer' }), true, 'Port 4 filtered on 127.0.0.1: no-answer'],
  ])('a port', (result, several, line) => {
    expect(portLine(result, several)).toBe(line)
  })

  test('the list has RTT and escaped banner', () => {
    const { rttMs: _, ...silent } = aResult(5, { state: 'filtered', reason: 'no-answer' })
    const list = text(renderText(aReport([aResult(4, { banner: bytes('\x1b]0;x\x07"') }), silent])))
    expect(list).toBe('Port 4 open  0.21 ms  "\\x1b]0;x\\x07""\nPort 5 filtered (rje): no-answer\n')
  })

  test('several hosts are named', () => {
    expect(text(renderText(aReport([aResult(4)], { hostCount: 2 })))).toBe('Port 4 open on 127.0.0.1  0.21 ms\n')
  })

  test('the summary says how much, what, and whether that is all', () => {
    expect(summarySentences(aReport([aResult(22)]))).toEqual([
      '1,000 ports of 127.0.0.1 in 1.2 s: 1 open, 999 closed (refused)',
      '1,000 probes, 0 repeated; the result is complete',
      'services are guessed from port numbers (IANA), not from what answered',
    ])
    const partial = aReport([], {
      complete: false,
      notScanned: 990,
      notes: ['something else'],
      hostCount: 3,
      portCount: 1,
      counts: { unreachable: { 'host-unreachable': 1, 'network-unreachable': 9 } },
    })
    expect(summarySentences(partial)).toEqual([
      '1 port of 3 addresses in 1.2 s: none open, 10 unreachable (1 host-unreachable, 9 network-unreachable), 990 not scanned',
      '1,000 probes, 0 repeated; the result is NOT complete',
      'something else',
    ])
  })
})

describe('what a reader of a result must know', () => {
  const none = { addresses: [], left: false }
  const nothingKnown: ScanKnowledge = {
    ...{ untriedCount: 0, expectedMissed: 0, evidence: [], hasHeard: true, tellingRate: 80 },
    hostsThat: () => [],
  }
  const founded = (n: number, expectedMissed: number, doubt: DoubtReason): HostEvidence => ({
    host: { address: `10.0.0.${n}`, family: 4 },
    ...{ silent: 600, attempts: 4, references: 40, lossShare: 0.34, expectedMissed, doubt },
  })
  const notesOf = (known: Partial<ScanKnowledge>, notScanned = 0, stoppedBy?: unknown) =>
    summaryNotes({ notScanned, errors: 0 }, { ...nothingKnown, ...known }, none, stoppedBy)

  test.each<[DoubtReason, string]>([
    [
      'unheard',
      'nothing at all was heard from there: off, out of reach or all filtered, tried up to 4 times; only a scan from elsewhere or at another time tells',
    ],
    ['time-up', 'the time was up while up to 34 % was lost, tried up to 4 times; --rate 80 tells'],
    ['lossy', 'up to 34 % of what was sent to ports that answer was lost, tried up to 4 times; --rate 80 tells'],
    [
      'little-evidence',
      'too few ports answer there to tell silence from loss, tried up to 4 times; --rate 80 or more --retries tell',
    ],
  ])('silent ports in doubt, %s: how many, where, why, what was tried and what would tell', (doubt, why) => {
    const evidence = [founded(7, 1.2, doubt), founded(9, 0.34, doubt)]
    expect(notesOf({ evidence, expectedMissed: 1.54 })).toMatchObject({
      complete: false,
      notes: [`1,200 silent ports in doubt on 10.0.0.7, 10.0.0.9 (about 1.5 open ones expected among them): ${why}`],
    })
  })

  test('less than a hundredth of a port that is expected to be missed is no reason to doubt', () => {
    expect(notesOf({ expectedMissed: 0.009 })).toMatchObject({ complete: true, notes: [] })
    expect(notesOf({ expectedMissed: 0.011 })).toMatchObject({ complete: false, notes: [] })
  })

  test('what has no answer is asked when the scan goes on, so that the doubts that last are others', () => {
    const evidence = [founded(7, 0.05, 'lossy')]
    const { complete, notes, lasting } = notesOf({ evidence, untriedCount: 40 }, 100, 'SIGINT')
    const doubted =
      '600 silent ports in doubt on 10.0.0.7 (about 0.05 open ones expected among them): 34 % of what was sent to ports that answer was lost, tried up to 4 times; --rate 80 tells'
    expect({ complete, notes }).toEqual({
      complete: false,
      notes: [
        '40 ports not tried: the scan took far longer than the path allows for',
        '60 ports without an answer: the scan was interrupted',
        doubted,
      ],
    })
    expect(lasting).toEqual({ complete: true, expectedMissed: 0, evidence, notes: [doubted] })
  })
})

describe('JSON', () => {
  test('property: one valid document that fits its schema, ascending', () => {
    fc.assert(
      fc.property(anyResults, (results) => {
        const document = JSON.parse(text(renderJson(reportOf(results))))
        expect(violations(document, schema)).toEqual([])
        const flat = document.hosts.flatMap((host: { address: string; ports: { port: number }[] }) =>
          host.ports.map(({ port }) => [host.address, port]),
        )
        const wanted = results
          .map(({ host, port }): [string, number] => [host.address, port])
          .sort(([a, m], [b, n]) => a.localeCompare(b) || m - n)
        expect(flat).toEqual(wanted)
      }),
    )
  })

  test('the document of a scan', () => {
    const document = JSON.parse(text(renderJson(aReport([aResult(22, { banner: bytes('hi\n') })]))))
    expect(document).toMatchObject({
      format: 'netlab-scan',
      version: 1,
      startedAt: '2023-11-14T22:13:20.000Z',
      durationMs: 1234.568,
      complete: true,
      hosts: [
        {
          address: '127.0.0.1',
          ports: [{ port: 22, state: 'open', rttMs: 0.211, serviceGuess: 'ssh', banner: 'hi\\n' }],
        },
      ],
    })
  })

  test('of a host in doubt it says what its silence is founded on, to six digits', () => {
    const founded = { silent: 997, attempts: 4, references: 40, lossShare: 0.2 + 1e-9, expectedMissed: 0.3 + 1e-9 }
    const host = { address: '127.0.0.1', family: 4 as const }
    const results = [
      { host, ports: [aResult(22)], evidence: { host, ...founded, doubt: 'lossy' as const } },
      { host: { address: '127.0.0.2', family: 4 as const }, ports: [], evidence: { host, ...founded } },
    ]
    const report = { ...aReport([aResult(22)]), complete: false, expectedMissed: 0.6 + 1e-9, results }
    const document = JSON.parse(text(renderJson(report)))
    const shown = { silent: 997, attempts: 4, references: 40, lossShare: 0.2, expectedMissed: 0.3 }
    expect(violations(document, schema)).toEqual([])
    expect(document).toMatchObject({ complete: false, expectedMissed: 0.6 })
    expect(document.hosts.map(({ evidence }: { evidence: unknown }) => evidence)).toEqual([
      { ...shown, doubt: 'lossy' },
      shown,
    ])
    const line = JSON.parse(summaryLine(report))
    expect(violations(line, schema.$defs?.summaryLine ?? {}, schema)).toEqual([])
    expect(line.evidence[0]).toEqual({ address: '127.0.0.1', family: 4, ...shown, doubt: 'lossy' })
  })

  test('JSON Lines fit their schemas', () => {
    const { resultLine: result = {}, summaryLine: summary = {} } = schema.$defs ?? {}
    expect(violations(JSON.parse(resultLine(aResult(22))), result, schema)).toEqual([])
    expect(violations(JSON.parse(summaryLine(aReport([]))), summary, schema)).toEqual([])
    expect(JSON.parse(summaryLine(aReport([])))).not.toHaveProperty('results')
    expect(resultLine(aResult(22, { banner: bytes('a\nb') }))).toMatch(/^[^\n]+\n$/)
  })

  test('the evidence of a host with a name did not fit its schema', () => {
    const host = { ...loopback, name: 'here', names: ['here', 'there'] }
    const evidence = { host, silent: 3, attempts: 2, references: 9, lossShare: 0.1, expectedMissed: 0.02 }
    const { summaryLine: summary = {} } = schema.$defs ?? {}
    const line = summaryLine(aReport([], { results: [{ host, ports: [], evidence }] }))
    expect(violations(JSON.parse(line), summary, schema)).toEqual([])
    expect(JSON.parse(line).evidence).toMatchObject([{ name: 'here', names: ['here', 'there'] }])
  })

  test('the schema notices what does not fit', () => {
    const document = JSON.parse(text(renderJson(aReport([aResult(22)]))))
    expect(violations({ ...document, version: 2 }, schema)).not.toEqual([])
    expect(violations({ ...document, extra: 1 }, schema)).not.toEqual([])
    document.hosts[0].ports[0].port = 65_536
    expect(violations(document, schema)).toEqual(['$.hosts[0].ports[0].port: is above 65535'])
  })
})

/** What programs that separate at other characters take for cells. */
function cellsOf(csv: string): string[] {
  return [...readCsv(csv).flat(), ...csv.split(/[;\r\n]/), ...csv.split(/[\t\r\n]/), ...csv.split(/[|\r\n]/)]
}

describe('XML', () => {
  const named = { ...loopback, name: 'a & "b"', names: ['a & "b"', '<c>'] }
  const results = [
    aResult(22, { host: named, banner: bytes('SSH-2.0-x\r\n<&>') }),
    aResult(25, { host: named, state: 'filtered', reason: 'no-answer' }),
    aResult(80, { host: named, state: 'unreachable', reason: 'host-unreachable' }),
    aResult(81, { host: named, state: 'error', reason: 'EMFILE' }),
  ]
  const report = aReport([], {
    results: [{ host: named, ports: results }],
    shown: ['open', 'filtered', 'unreachable', 'error'],
    counts: { open: { connected: 1 }, closed: { refused: 995 }, filtered: { 'no-answer': 1 } },
  })
  const xml = text(renderXml(report))

  test("says in nmap's words what was found", () => {
    const [host] = childrenOf(readXml(xml), 'host')
    if (host === undefined) throw new Error('no host')
    const [address, names, list] = ['address', 'hostnames', 'ports'].map((name) => childrenOf(host, name)[0])
    expect(address?.attributes).toEqual({ addr: '127.0.0.1', addrtype: 'ipv4' })
    expect(names?.children.map(({ attributes: { name } }) => name)).toEqual(['a & "b"', '<c>'])
    expect(list?.children.map(({ attributes }) => attributes)).toEqual([
      { state: 'closed', count: '995' },
      ...['22', '25', '80', '81'].map((portid) => ({ protocol: 'tcp', portid })),
    ])
    expect(list?.children.slice(1).map(({ children: [state] }) => state?.attributes)).toEqual([
      { state: 'open', reason: 'syn-ack', reason_ttl: '0' },
      { state: 'filtered', reason: 'no-response', reason_ttl: '0' },
      { state: 'filtered', reason: 'host-unreach', reason_ttl: '0' },
      { state: 'unknown', reason: 'EMFILE', reason_ttl: '0' },
    ])
    expect(list?.children[1]?.children.slice(1).map(({ attributes }) => attributes)).toEqual([
      { name: 'ssh', extrainfo: 'SSH-2.0-x\\r\\n<&>', method: 'table', conf: '3' },
    ])
  })

  const ndiff = spawnSync('ndiff', ['--help']).status === 0
  ;(ndiff ? test : test.skip)('ndiff reads it, and tells two scans apart', () => {
    const folder = temporaryFolder()
    const [old, again, other] = ['old.xml', 'again.xml', 'other.xml'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(old, xml)
    writeFileSync(again, xml)
    writeFileSync(other, text(renderXml(aReport([aResult(443)]))))
    expect(spawnSync('ndiff', [old, again], { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: '', stderr: '' })
    const { status, stdout, stderr } = spawnSync('ndiff', [old, other], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([1, ''])
    expect(stdout).toMatch(/^-22\/tcp +open +ssh/m)
    expect(stdout).toMatch(/^\+443\/tcp +open +https/m)
  })

  const python = spawnSync('python3', ['-c', 'import xml.etree.ElementTree']).status === 0
  ;(python ? test : test.skip)('Python reads host, port, state, reason and service of it', () => {
    const { stdout, stderr } = spawnSync('python3', ['-c', pythonReader], { input: xml, encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([
      ['127.0.0.1', 'a & "b"', 22, 'open', 'syn-ack', 'ssh'],
      ['127.0.0.1', 'a & "b"', 25, 'filtered', 'no-response', 'smtp'],
      ['127.0.0.1', 'a & "b"', 80, 'filtered', 'host-unreach', 'http'],
      ['127.0.0.1', 'a & "b"', 81, 'unknown', 'EMFILE', 'unknown'],
    ])
  })
})

describe('grep', () => {
  test('a host is a line with the fields of nmap, whatever its banner has in it', () => {
    const other = { address: '10.0.0.2', family: 4, name: 'two.example' } as const
    const report = aReport([], {
      hostCount: 2,
      hostCounts: new Map([
        [
          '10.0.0.2',
          { host: other, counts: { open: { connected: 1 }, closed: { refused: 998 }, filtered: { 'no-answer': 1 } } },
        ],
      ]),
      results: [
        { host: loopback, ports: [aResult(22, { banner: bytes('a/b, c\t') }), aResult(4)] },
        { host: other, ports: [aResult(443, { host: other })] },
      ],
    })
    const [, ...lines] = text(renderGrep(report)).split('\n')
    expect(lines.slice(0, 2)).toEqual([
      'Host: 127.0.0.1 ()\tPorts: 22/open/tcp//ssh//a\\x2fb\\x2c c\\t/, 4/open/tcp/////',
      'Host: 10.0.0.2 (two.example)\tPorts: 443/open/tcp//https///\tIgnored State: filtered (1), closed (998)',
    ])
  })
})

test('a host that answered and has no port to list was missing where nmap has it; one that is silent is nowhere', () => {
  const results = new ScanResults(['open'])
  const hosts = [1, 2, 3, 10].map((n) => ({
    address: `10.0.0.${n}`,
    family: 4 as const,
    ...(n === 10 && { name: 'ten' }),
  }))
  const states = ['open', 'filtered', 'closed', 'closed'] as const
  for (const [index, host] of hosts.entries()) {
    const state = states[index] ?? 'error'
    const reason = { open: 'connected', filtered: 'no-answer', closed: 'refused', error: '' }[state]
    for (const port of [22, 23]) results.add(aResult(port, { host, state, reason }))
  }
  const addresses = new AddressSet([{ family: 4, first: 0x0a00_0001n, last: 0x0a00_000an }])
  const counted = { hostCount: 10, counts: results.counts, hostCounts: results.hostCounts }
  const report = aReport([], { ...counted, results: results.listed(addresses) })
  const up = ['10.0.0.1', '10.0.0.3', '10.0.0.10']
  expect([...text(renderGrep(report)).matchAll(/^Host: (\S+)/gm)].map(([, address]) => address)).toEqual(up)
  expect(text(renderGrep(report))).toContain('Host: 10.0.0.10 (ten)\tIgnored State: closed (2)\n')
  const inXml = childrenOf(readXml(text(renderXml(report))), 'host')
  expect(inXml.map((host) => childrenOf(host, 'address')[0]?.attributes.addr)).toEqual(up)
  expect(inXml.map((host) => childrenOf(host, 'status')[0]?.attributes.reason)).toEqual([
    'syn-ack',
    'conn-refused',
    'conn-refused',
  ])
  const page = text(renderHtml(report))
  expect(page).toContain('2 hosts with no port to list')
  expect(page).toContain('<li>10.0.0.10 [ten]: 2 closed</li>')
  expect(page).not.toContain('10.0.0.2<')
})

describe('how a scan went over time', () => {
  test('property: however long it took, it has a bounded number of intervals that lose nothing', () => {
    const step = fc.record({
      waitMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
      rttMs: fc.double({ min: 0, max: 5000, noNaN: true }),
      sent: fc.nat(1000),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 300 }), (steps) => {
        const recorder = new TimelineRecorder(7)
        let nowMs = 7
        for (const { waitMs, rttMs, sent } of steps) {
          nowMs += waitMs
          recorder.probed(nowMs, sent)
          recorder.answered(nowMs, rttMs)
        }
        const { intervalMs, intervals } = recorder.timeline
        expect(intervals.length).toBeLessThanOrEqual(scanLimits.timelineIntervals)
        expect(intervals.length).toBe(Math.floor((nowMs - 7) / intervalMs) + 1)
        expect(intervals.reduce((sum, { answers }) => sum + answers, 0)).toBe(steps.length)
        const probes = intervals.reduce((sum, interval) => sum + interval.probes, 0)
        const sent = steps.reduce((sum, one) => sum + one.sent, 0)
        expect(Math.abs(probes - sent)).toBeLessThanOrEqual(intervals.length / 2)
        expect(Math.max(...intervals.map(({ maxRttMs = 0 }) => maxRttMs))).toBe(
          Math.max(...steps.map(({ rttMs }) => rttMs)),
        )
      }),
    )
  })

  test('says what came when', () => {
    const recorder = new TimelineRecorder(1000)
    recorder.probed(1010, 4)
    recorder.answered(1012, 5)
    recorder.answered(1013, 7)
    recorder.answered(1035, 1)
    expect(recorder.timeline).toEqual({
      intervalMs: 10,
      intervals: [
        { probes: 2, answers: 0 },
        { probes: 2, answers: 2, rttMs: 6, maxRttMs: 7 },
        { probes: 0, answers: 0 },
        { probes: 0, answers: 1, rttMs: 1, maxRttMs: 1 },
      ],
    })
  })

  test('is drawn, each bar with what it says', () => {
    const timeline = {
      intervalMs: 20,
      intervals: [
        { probes: 10, answers: 4, rttMs: 1.5, maxRttMs: 30 },
        { probes: 0, answers: 0 },
      ],
    }
    const page = text(renderHtml(aReport([aResult(22)], { timeline })))
    expect(page).toContain('<title>after 0.0 s: 500 probes and 200 answers a second</title>')
    expect(page).toContain('<title>after 0.0 s: 1.5 ms, at most 30 ms</title>')
    expect(page.match(/<title>after/g)).toHaveLength(2)
    expect(text(renderHtml(aReport([aResult(22)], { timeline: { intervalMs: 10, intervals: [] } })))).not.toContain(
      'probes a second',
    )
  })
})

describe('what is not listed of each host', () => {
  const some = (address: string, port: number, state: PortState): PortResult =>
    aResult(port, { host: { address, family: 4 }, state, reason: state })

  test('is counted, and not told once something else was counted elsewhere', () => {
    const results = new ScanResults(['open'])
    for (const port of [1, 2, 3]) results.add(some('10.0.0.1', port, 'closed'))
    results.add(some('10.0.0.2', 1, 'open'))
    results.add(some('10.0.0.1', 4, 'filtered'))
    expect(results.hostCounts?.get('10.0.0.1')?.counts).toEqual({ filtered: { filtered: 1 }, closed: { closed: 3 } })
    expect(results.hostCounts?.get('10.0.0.2')?.counts).toEqual({ open: { open: 1 } })
    results.restore({ closed: { refused: 1 } }, [])
    expect(results.hostCounts).toBeUndefined()
  })

  test('is not told of more hosts than are counted', () => {
    const results = new ScanResults(['open'])
    for (let host = 0; host <= scanLimits.countedHosts; host++) results.add(some(String(host), 1, 'closed'))
    expect(results.hostCounts).toBeUndefined()
    expect(results.done).toBe(scanLimits.countedHosts + 1)
  })
})

describe('CSV', () => {
  test('property: as many fields in every row, no control characters, and no formula', () => {
    fc.assert(
      fc.property(anyResults, (results) => {
        const csv = text(renderCsv(reportOf(results)))
        const rows = readCsv(csv)
        expect(rows).toHaveLength(results.length + 1)
        expect(rows.every((row) => row.length === 16)).toBe(true)
        expect(csv.replaceAll('\r\n', '')).toMatch(/^[\x20-\x7e]*$/)
        for (const cell of cellsOf(csv)) expect(cell).not.toMatch(/^[\s"]*[=+\-@]/)
      }),
    )
  })

  test.each([
    '=1+1',
    '+1',
    '-1',
    '@SUM(1)',
    ' =1',
    '"=1"',
    'x;=1+1',
    'x;"=1"',
    'x,=1',
    'x; -1',
    'x|=1',
    ';;=1',
    '\t=1',
    '\r=1',
  ])('a spreadsheet finds no formula in the banner %j, whatever it takes for a separator', (banner) => {
    const csv = text(renderCsv(aReport([aResult(4, { banner: bytes(banner) })])))
    expect(readCsv(csv)[1]?.[8]?.replaceAll("'", '')).toBe(escapeBytes(bytes(banner)))
    for (const cell of cellsOf(csv)) expect(cell).not.toMatch(/^[\s"]*[=+\-@]/)
  })

  test.each(['\uff1dcmd', '\u200b=cmd', '\ufe66cmd', '\ufeff-1'])('nor in the name %j', (name) => {
    const host = { ...loopback, name, names: ['a', name] }
    const [, row] = readCsv(text(renderCsv(aReport([], { results: [{ host, ports: [aResult(4, { host })] }] }))))
    expect(row?.[1]).toBe(`'${name}`)
  })

  test('a banner that is a formula, and one with quotes and commas', () => {
    const csv = text(
      renderCsv(aReport([aResult(4, { banner: bytes('=1+1') }), aResult(5, { banner: bytes('a,"b"') })])),
    )
    expect(csv).toBe(
      'address,name,port,state,reason,rtt_ms,attempts,service_guess,banner,names,' +
        'tls_version,tls_alpn,tls_names,tls_issuer,tls_valid_to,tls_days_left\r\n' +
        "127.0.0.1,,4,open,connected,0.211,1,,'=1+1,,,,,,,\r\n" +
        '127.0.0.1,,5,open,connected,0.211,1,rje,"a,""b""",,,,,,,\r\n',
    )
  })
})
