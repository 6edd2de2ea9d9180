import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { AddressSet } from '../../src/scan/address-set.ts'
import { renderCsv } from '../../src/scan/report/csv.ts'
import { renderJson, resultLine, summaryLine } from '../../src/scan/report/json.ts'
import { escapeBytes, type ScanReport } from '../../src/scan/report/report.ts'
import { portLine, renderText, summarySentences } from '../../src/scan/report/text.ts'
import { ScanResults } from '../../src/scan/results.ts'
import { type PortResult, portStates } from '../../src/scan/types.ts'
import { violations } from '../support/json-schema.ts'
import { readCsv, outputSchema as schema } from '../support/scan-formats.ts'
import { aReport, aResult, loopback } from '../support/scan-report.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const text = (pieces: Iterable<string>): string => [...pieces].join('')

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

  test('JSON Lines fit their schemas', () => {
    const { resultLine: result = {}, summaryLine: summary = {} } = schema.$defs ?? {}
    expect(violations(JSON.parse(resultLine(aResult(22))), result, schema)).toEqual([])
    expect(violations(JSON.parse(summaryLine(aReport([]))), summary, schema)).toEqual([])
    expect(JSON.parse(summaryLine(aReport([])))).not.toHaveProperty('results')
    expect(resultLine(aResult(22, { banner: bytes('a\nb') }))).toMatch(/^[^\n]+\n$/)
  })

  test('the schema notices what does not fit', () => {
    const document = JSON.parse(text(renderJson(aReport([aResult(22)]))))
    expect(violations({ ...document, version: 2 }, schema)).not.toEqual([])
    expect(violations({ ...document, extra: 1 }, schema)).not.toEqual([])
    document.hosts[0].ports[0].port = 65_536
    expect(violations(document, schema)).toEqual(['$.hosts[0].ports[0].port: is above 65535'])
  })
})

describe('CSV', () => {
  test('property: as many fields in every row, no control characters, and no formula', () => {
    fc.assert(
      fc.property(anyResults, (results) => {
        const csv = text(renderCsv(reportOf(results)))
        const rows = readCsv(csv)
        expect(rows).toHaveLength(results.length + 1)
        expect(rows.every((row) => row.length === 10)).toBe(true)
        expect(csv.replaceAll('\r\n', '')).toMatch(/^[\x20-\x7e]*$/)
        expect(rows.flat().filter((field) => /^[=+\-@]/.test(field))).toEqual([])
      }),
    )
  })

  test('a banner that is a formula, and one with quotes and commas', () => {
    const csv = text(
      renderCsv(aReport([aResult(4, { banner: bytes('=1+1') }), aResult(5, { banner: bytes('a,"b"') })])),
    )
    expect(csv).toBe(
      'address,name,port,state,reason,rtt_ms,attempts,service_guess,banner,names\r\n' +
        "127.0.0.1,,4,open,connected,0.211,1,,'=1+1,\r\n" +
        '127.0.0.1,,5,open,connected,0.211,1,rje,"a,""b""",\r\n',
    )
  })
})
