import { linkLocalZones } from '../../scan/zones.ts'
import { type Command, defineCommand } from '../command.ts'
import { scanOptions } from './options.ts'
import type { ScanCommandServices } from './run.ts'

/** `netlab scan` over the given scanner and resolver. */
export function scanCommand(services: ScanCommandServices): Command<typeof scanOptions> {
  return defineCommand({
    name: 'scan',
    summary: 'find open TCP ports',
    positionals: [{ name: 'targets', variadic: ',' }],
    options: scanOptions,
    examples: [
      ['netlab scan localhost', 'all ports of this machine'],
      ['netlab scan 10.0.0.0/24 --top 100 --json', 'a network, as one JSON document'],
      ['netlab scan db.example -p 5432 --wait 30s', 'wait until the database answers'],
      ['netlab scan localhost:22 [::1]:80 db:5432', 'each host on its own port'],
      ['netlab scan @hosts.txt -p 22,443 --expect 22,443', 'exit 1 unless both are open on every host'],
      ['netlab scan web.example -p 443 --expect-cert-days 14', 'exit 1 when its certificate ends within two weeks'],
      ['netlab scan --diff monday.json', 'what has opened and closed since, of the same targets and ports'],
    ],
    epilogue: [
      'Scan only hosts that you own or have permission to test.',
      'More than 4,096 addresses, or all ports of a public one, need a yes: on a terminal you are asked, elsewhere add --yes.',
      'While it runs on a terminal: space prints the status, q stops with the list so far, Ctrl-C stops with exit code 130, Ctrl-Z and fg work.',
      'Service names are guesses by port number (IANA). Formats: docs/scan-output.md.',
    ].join('\n'),
    async run(values, context) {
      if (values.diff === undefined) return (await import('./run.ts')).runScan(values, context, services)
      return (await import('./diff.ts')).runDiff(values, values.diff, context, services)
    },
  })
}

/** Nothing of the scanner is loaded before there is something to scan: the help needs none of it. */
export const scan = scanCommand({
  async scan(plan, services) {
    await keepHeapSmall()
    return (await import('../../scan/scanner.ts')).scan(plan, services)
  },
  async names(clock) {
    const [{ systemNames }, { readFile }] = await Promise.all([
      import('../../scan/names/lookup.ts'),
      import('node:fs/promises'),
    ])
    return systemNames(clock, (path) => readFile(path, 'utf8').catch(() => ''))
  },
  async askTls(question) {
    return (await import('../../scan/tls-info.ts')).askTls(question)
  },
  zones: linkLocalZones,
})

/**
 * Makes V8 collect garbage before it asks the system for more memory, in this thread and those started from now on. A scan
 * throws nearly everything away, such as a socket for each of 65,535 ports: V8 would let the heap grow to a hundred
 * megabytes of sockets that are closed long since. It costs about a tenth of the processor time.
 */
async function keepHeapSmall(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8')
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=50')
}
