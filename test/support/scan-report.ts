import { visible } from '../../src/base/visible.ts'
import type { ScanReport } from '../../src/scan/report/report.ts'
import { readCertificate } from '../../src/scan/tls-info.ts'
import type { PortResult, ScanHost, TlsInfo } from '../../src/scan/types.ts'

export const loopback: ScanHost = { address: '127.0.0.1', family: 4 }

/** An open port of loopback, but for what is given. */
export function aResult(port: number, more: Partial<PortResult> = {}): PortResult {
  return { host: loopback, port, state: 'open', reason: 'connected', rttMs: 0.2114, attempts: 1, ...more }
}

/** What somebody could put into a certificate to do harm, as it is read. */
export const hostileTls: TlsInfo = {
  version: 'TLSv1.2',
  alpn: visible('h2\x1b[2J'),
  certificate: readCertificate(
    {
      subject: 'CN=x',
      subjectAltName: `DNS:"=cmd(), \\"\\u001b]0;x\\u0007", DNS:</script><script>alert(1)</script>, ${'DNS:a,b/c(d) , '.repeat(30)}IP Address:0:0:0:0:0:0:0:1`,
      issuer: `CN=\x1b[31m"-->\u202e\r\nPort 1 open on 127.0.0.1\nO=${'+'.repeat(9000)}`,
      validFromDate: new Date(Number.NaN),
      validToDate: new Date(8.64e15),
      fingerprint256: 'AB:CD',
    },
    1_700_000_000_000,
  ),
}

/** A complete scan of loopback with these ports listed. */
export function aReport(ports: readonly PortResult[], more: Partial<ScanReport> = {}): ScanReport {
  return {
    startedAt: 1_700_000_000_000,
    targets: '127.0.0.1',
    hostCount: 1,
    ports: '1-1000',
    portCount: 1000,
    portTotal: (more.portCount ?? 1000) * (more.hostCount ?? 1),
    unresolved: [],
    shown: ['open'],
    complete: true,
    expectedMissed: 0,
    interrupted: false,
    notes: [],
    counts: { open: { connected: ports.length }, closed: { refused: 1000 - ports.length } },
    notScanned: 0,
    engine: 'net',
    threads: 0,
    probes: 1000,
    retries: 0,
    durationMs: 1234.5678,
    timeline: { intervalMs: 10, intervals: [{ probes: 1000, answers: 1000, rttMs: 0.25, maxRttMs: 0.75 }] },
    results: ports.length === 0 ? [] : [{ host: loopback, ports }],
    ...more,
  }
}
