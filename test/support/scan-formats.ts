import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { outputFormats } from '../../src/scan/report/formats.ts'
import { type Schema, violations } from './json-schema.ts'
import { childrenOf, readXml } from './xml-reader.ts'

/** docs/scan-output.schema.json */
export const outputSchema: Schema = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../docs/scan-output.schema.json'), 'utf8'),
)

/** What was written, read back. */
export interface ReadBack {
  readonly ports: readonly { readonly address: string; readonly port: number; readonly state: string }[]
  /** Of formats that say so. */
  readonly interrupted?: boolean
}

const csvHeader =
  'address,name,port,state,reason,rtt_ms,attempts,service_guess,banner,names,tls_version,tls_alpn,tls_names,tls_issuer,tls_valid_to,tls_days_left'

/** Reads RFC 4180, strictly. */
export function readCsv(csv: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let read = 0
  for (const match of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy)) {
    const [whole, quoted, plain, end] = match
    read += whole.length
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === ',') continue
    rows.push(row)
    row = []
  }
  if (read < csv.length || row.length > 0) throw new Error(`no CSV from character ${read} on`)
  return rows
}

function mustFit(value: unknown, schema: Schema | undefined): void {
  const wrong = schema === undefined ? ['no such schema'] : violations(value, schema, outputSchema)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
}

function lines(text: string): string[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end')
  return text.split('\n').slice(0, -1)
}

/** One strict reader for each format; of a scan of several hosts. They throw on what is not valid. */
export const readers: Readonly<Record<(typeof outputFormats)[number]['name'], (text: string) => ReadBack>> = {
  text(text) {
    const line =
      /^Port (\d+) (\w+) on (\S+)(?: \[\S+\])?(?: \([\w.-]+\))?(?:: [\w-]+)?(?: {2}[\d.]+ ms)?(?: {2}TLS.*)?(?: {2}".*")?$/
    return {
      ports: lines(text).map((one) => {
        const [, port, state = '', address = ''] = line.exec(one) ?? []
        if (port === undefined) throw new Error(one)
        return { address, port: Number(port), state }
      }),
    }
  },
  json(text) {
    const document = JSON.parse(text)
    mustFit(document, outputSchema)
    const ports = document.hosts.flatMap((host: { address: string; ports: { port: number; state: string }[] }) =>
      host.ports.map(({ port, state }) => ({ address: host.address, port, state })),
    )
    return { ports, interrupted: document.interrupted }
  },
  jsonl(text) {
    const objects = lines(text).map((line) => JSON.parse(line))
    const summary = objects.pop()
    mustFit(summary, outputSchema.$defs?.summaryLine)
    // Streamed: in the order of arrival, which a scan does not promise anything about.
    const results = objects.toSorted((a, b) => a.address.localeCompare(b.address) || a.port - b.port)
    for (const result of results) mustFit(result, outputSchema.$defs?.resultLine)
    return {
      ports: results.map(({ address, port, state }) => ({ address, port, state })),
      interrupted: summary.interrupted,
    }
  },
  csv(text) {
    const [header, ...rows] = readCsv(text)
    if (header?.join() !== csvHeader) throw new Error('header')
    if (rows.some((row) => row.length !== header.length)) throw new Error('a row with other fields than the header')
    return { ports: rows.map(([address = '', , port, state = '']) => ({ address, port: Number(port), state })) }
  },
  xml(text) {
    const root = readXml(text)
    if (root.name !== 'nmaprun') throw new Error('no nmaprun')
    const [info, verbose, debugging, ...rest] = root.children
    const end = rest.pop()
    const order = [info, verbose, debugging, end].map((element) => element?.name).join()
    if (order !== 'scaninfo,verbose,debugging,runstats' || end === undefined) throw new Error(order)
    const ports = rest.flatMap((host) => {
      if (host.name !== 'host') throw new Error(host.name)
      const [address] = childrenOf(host, 'address')
      const [list] = childrenOf(host, 'ports')
      if (address === undefined || list === undefined) throw new Error('a host without an address or ports')
      return childrenOf(list, 'port').map((port) => {
        const state = childrenOf(port, 'state')[0]?.attributes.state ?? ''
        if (!['open', 'closed', 'filtered', 'unknown'].includes(state)) throw new Error(`a state ${state}`)
        return { address: address.attributes.addr ?? '', port: Number(port.attributes.portid), state }
      })
    })
    return { ports, interrupted: childrenOf(end, 'finished')[0]?.attributes.exit === 'error' }
  },
  html(text) {
    if (!/^<!DOCTYPE html>\n<html lang="en">\n[\s\S]*<\/html>\n$/.test(text)) throw new Error('no page')
    if (/<[^>]+ (?:src|href|on\w+)=/.test(text) || text.match(/<script>/g)?.length !== 1)
      throw new Error('not self-contained')
    const cell = '<td[^>]*>([^<]*)</td>'
    const row = new RegExp(`^<tr>${cell.repeat(9)}(?:${cell})?</tr>$`)
    const rows = text.split('\n').filter((line) => line.startsWith('<tr>'))
    const ports = rows.map((line) => {
      const [, address, , port, state = ''] = row.exec(line) ?? []
      if (address === undefined) throw new Error(line)
      return { address, port: Number(port), state }
    })
    return { ports, interrupted: /<body data-interrupted="(\w+)">/.exec(text)?.[1] === 'true' }
  },
  grep(text) {
    const all = lines(text)
    const last = all.at(-1) ?? ''
    if (!/^# netlab \S+ scan of /.test(all[0] ?? '') || !/^# (done|interrupted), /.test(last)) throw new Error(text)
    const line = /^Host: (\S+) \([^()/,\t]*\)(?:\tPorts: ([^\t]+))?(?:\tIgnored State: [\w (),]+)?$/
    const ports = all.slice(1, -1).flatMap((one) => {
      const [, address, list = ''] = line.exec(one) ?? []
      if (address === undefined) throw new Error(one)
      return list
        .split(', ')
        .filter((piece) => piece !== '')
        .map((piece) => {
          const fields = piece.split('/')
          const [port, state = '', protocol] = fields
          if (fields.length !== 8 || protocol !== 'tcp') throw new Error(piece)
          return { address, port: Number(port), state }
        })
    })
    return { ports, interrupted: last.startsWith('# interrupted') }
  },
}
