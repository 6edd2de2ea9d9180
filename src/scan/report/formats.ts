import type { PortResult } from '../types.ts'
import type { ScanReport } from './report.ts'

/** Writes a scan in one format. */
export interface Renderer {
  /** Where a format streams: one result, written as soon as it is there. */
  readonly result?: (result: PortResult) => string
  /** The whole report, in pieces; of a format that streams, what stands behind the results. */
  readonly report: (report: ScanReport) => Iterable<string>
}

/** A format of a scan's output. The options, the help, `-o` and the contract test are made from the table of them. */
export interface OutputFormat {
  readonly name: string
  /** What the option `--NAME` says in the help; a format without it is the one that is written when none is asked for. */
  readonly option?: string
  /** Endings of a file that choose it, the usual one first. */
  readonly extensions: readonly string[]
  /** Its file is loaded when it is needed: the help reads this table, too. */
  readonly load: () => Promise<Renderer>
}

const text = {
  name: 'text',
  extensions: ['txt'],
  load: async () => ({ report: (await import('./text.ts')).renderText }),
} as const satisfies OutputFormat

/** Every format, in the order of the help. A new one is an entry here, a renderer beside this file, and a line in docs/scan-output.md. */
export const outputFormats = [
  text,
  {
    name: 'json',
    option: 'one JSON document',
    extensions: ['json'],
    load: async () => ({ report: (await import('./json.ts')).renderJson }),
  },
  {
    name: 'jsonl',
    option: 'a line of JSON for each result as it comes, and one for the summary',
    extensions: ['jsonl', 'ndjson'],
    load: async () => {
      const { resultLine, summaryLine } = await import('./json.ts')
      return { result: resultLine, report: (report: ScanReport) => [summaryLine(report)] }
    },
  },
  {
    name: 'csv',
    option: 'comma-separated values',
    extensions: ['csv'],
    load: async () => ({ report: (await import('./csv.ts')).renderCsv }),
  },
  {
    name: 'xml',
    option: "nmap's XML, for tools that read it",
    extensions: ['xml'],
    load: async () => ({ report: (await import('./xml.ts')).renderXml }),
  },
  {
    name: 'grep',
    option: "a line for each host, with the fields of nmap's -oG",
    extensions: ['gnmap', 'grep'],
    load: async () => ({ report: (await import('./grep.ts')).renderGrep }),
  },
  {
    name: 'html',
    option: 'one page for a browser, which needs nothing else',
    extensions: ['html', 'htm'],
    load: async () => ({ report: (await import('./html.ts')).renderHtml }),
  },
] as const satisfies readonly OutputFormat[]

/** Names of the formats that have an option. */
export type FormatOption = Extract<(typeof outputFormats)[number], { readonly option: string }>['name']

/** The format of a file by its ending; text when the ending says nothing. */
export function formatOfFile(path: string): OutputFormat {
  const ending = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase()
  return outputFormats.find(({ extensions }) => extensions.some((extension) => extension === ending)) ?? text
}
